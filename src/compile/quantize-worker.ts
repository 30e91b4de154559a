/** @file The thread of QuantizePool: quantises one run of rows per message. */
import { parentPort } from "node:worker_threads";
import { quantizeRows, type RowJob } from "../passes/index.ts";

/** What comes back for job `id`. */
export type RowReply = { id: number; values: Uint8Array; scales: Uint8Array } | { id: number; error: string };

parentPort!.on("message", ({ id, job }: { id: number; job: RowJob }) => {
  try {
    const { values, scales } = quantizeRows(job);
    const reply: RowReply = { id, values, scales };
    parentPort!.postMessage(reply, [values.buffer as ArrayBuffer]);
  } catch (error) {
    const reply: RowReply = { id, error: error instanceof Error ? error.message : String(error) };
    parentPort!.postMessage(reply);
  }
});
