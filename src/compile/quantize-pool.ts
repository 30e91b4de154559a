/** @file Quantises rows in several threads, so that compiling a large checkpoint takes seconds instead of a minute. */
import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import { startThread } from "../common/node.ts";
import { quantizeRows, type RowJob, type RowResult, type WeightMaker } from "../passes/index.ts";
import type { RowReply } from "./quantize-worker.ts";

/** More threads than this wait for the disk. */
const MOST_THREADS = 8;
/** Below this a job is done before a thread has started. */
const SMALL_BYTES = 1 << 19;

interface Waiting {
  resolve(result: RowResult): void;
  reject(error: Error): void;
}

/** A WeightMaker over threads. Dispose it when the weights are written. */
export class QuantizePool implements WeightMaker, AsyncDisposable {
  readonly scales = new Map<string, Uint8Array>();
  /** Two jobs per thread: one in work, one that is being read. */
  readonly parallel: number;
  readonly #workers: Worker[] = [];
  readonly #waiting = new Map<number, Waiting>();
  readonly #threads: number;
  #next = 0;

  readonly factors: ReadonlyMap<string, Float64Array> | undefined;

  /** @param factors from calibration, for error feedback */
  constructor(factors?: ReadonlyMap<string, Float64Array>, threads = Math.min(MOST_THREADS, availableParallelism())) {
    this.factors = factors;
    this.#threads = threads;
    this.parallel = 2 * threads;
  }

  async quantize(job: RowJob): Promise<RowResult> {
    if (job.bytes.length < SMALL_BYTES) return quantizeRows(job);
    const id = this.#next++;
    const worker = this.#worker(id % this.#threads);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, job });
    });
  }

  /** Ends the threads; jobs under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    this.#fail(new Error("Quantising was stopped."));
  }

  #worker(index: number): Worker {
    const known = this.#workers[index];
    if (known) return known;
    const worker = startThread("quantize-worker", import.meta.url);
    worker.on("message", (reply: RowReply) => {
      const waiting = this.#waiting.get(reply.id)!;
      this.#waiting.delete(reply.id);
      if ("error" in reply) waiting.reject(new Error(reply.error));
      else waiting.resolve(reply);
    });
    worker.on("error", (error) => this.#fail(error));
    this.#workers[index] = worker;
    return worker;
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error as Error);
    this.#waiting.clear();
  }
}
