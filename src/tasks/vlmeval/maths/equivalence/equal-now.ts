/** @file The comparison of two answers for callers that cannot wait asynchronously: rewards. */
import { MessageChannel, receiveMessageOnPort, type Worker } from "node:worker_threads";
import type { BridgeReply } from "./bridge.ts";
import { EQUIVALENCE_START_MS, EQUIVALENCE_WALL_MS } from "./checker.ts";
import { normaliseMath } from "./normalise.ts";
import { quicklyEqual } from "./quick.ts";
import { startThread } from "./start-thread.ts";

let bridge: Worker | undefined;

/**
 * Are the two equal? Blocks the calling thread until it is decided, or its time is up.
 * @throws if the comparing process cannot be started
 * @example equalNow("10\\pi", "\\pi \\cdot 10") // true
 */
export function equalNow(answer: string, reference: string): boolean {
  const [a, b] = [normaliseMath(answer), normaliseMath(reference)];
  if (a === null || b === null) return false;
  const quick = quicklyEqual(a, b);
  if (quick !== null) return quick;
  // The thread waits for the comparing process in this thread's stead.
  bridge ??= startThread("bridge");
  bridge.unref();
  const signal = new SharedArrayBuffer(4);
  const { port1, port2 } = new MessageChannel();
  bridge.postMessage({ answer, reference, signal, port: port2 }, [port2]);
  // The checker behind it has its own limits; this one only guards against the bridge itself.
  Atomics.wait(new Int32Array(signal), 0, 0, 2 * (EQUIVALENCE_START_MS + EQUIVALENCE_WALL_MS));
  const reply: BridgeReply | undefined = receiveMessageOnPort(port1)?.message;
  port1.close();
  if (reply && "result" in reply) return reply.result;
  throw new Error(reply?.error ?? "The thread that compares expressions did not answer.");
}
