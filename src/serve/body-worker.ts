/** @file A thread that reads large bodies. */
import { parentPort } from "node:worker_threads";
import type { ThreadReply } from "../common/node.ts";
import { BodyError, parseBody } from "./parse-body.ts";

parentPort!.on("message", (bytes: Uint8Array) => {
  let reply: ThreadReply<unknown>;
  try {
    reply = { result: parseBody(bytes) };
  } catch (error) {
    const { message } = error as Error;
    reply = { error: { message, code: error instanceof BodyError ? error.code : undefined } };
  }
  parentPort!.postMessage(reply, "result" in reply ? buffersIn(reply.result) : []);
});

/** Memory of unpacked pictures, which is handed over instead of copied. */
function buffersIn(json: unknown): ArrayBuffer[] {
  if (json instanceof Uint8Array) return [json.buffer as ArrayBuffer];
  if (typeof json !== "object" || json === null) return [];
  return Object.values(json).flatMap(buffersIn);
}
