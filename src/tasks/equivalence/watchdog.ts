/** @file The thread that ends its process when a comparison has used up its processor time, so that a loaded machine changes no verdict. */
import { workerData } from "node:worker_threads";

/** What the watched thread shares: the number of its open question, 0 while it has none. */
export interface Watched {
  question: SharedArrayBuffer;
  limitMs: number;
}

const LOOK_EVERY_MS = 50;
const { question, limitMs } = workerData as Watched;
const open = new Int32Array(question);

for (;;) {
  Atomics.wait(open, 0, 0);
  const number = Atomics.load(open, 0);
  const start = process.cpuUsage();
  while (number !== 0 && Atomics.wait(open, 0, number, LOOK_EVERY_MS) === "timed-out") {
    const { user, system } = process.cpuUsage(start);
    if ((user + system) / 1000 > limitMs) process.kill(process.pid, "SIGKILL");
  }
}
