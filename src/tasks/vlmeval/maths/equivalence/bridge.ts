/** @file The thread behind `equalNow`: it lets a checker decide and wakes the thread that waits. */
import { type MessagePort, parentPort } from "node:worker_threads";
import { EquivalenceChecker } from "./checker.ts";

/** A question of `equalNow`; `signal` is set to 1 when the answer is on the port. */
export interface BridgeQuestion {
  answer: string;
  reference: string;
  signal: SharedArrayBuffer;
  port: MessagePort;
}

export type BridgeReply = { result: boolean } | { error: string };

const checker = new EquivalenceChecker();

parentPort?.on("message", async ({ answer, reference, signal, port }: BridgeQuestion) => {
  const reply: BridgeReply = await checker.equal(answer, reference).then(
    (result) => ({ result }),
    (error: Error) => ({ error: error.message }),
  );
  port.postMessage(reply);
  const flag = new Int32Array(signal);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
});
