/** @file A few threads that work on jobs one at a time each, started when there is work and kept for the next. */
import type { TransferListItem, Worker } from "node:worker_threads";

/** A thread's answer to the job that it was sent last. */
export type ThreadReply<Result> = { result: Result } | { error: { message: string; code?: string } };

interface Waiting<Job> {
  job: Job;
  transfer: readonly TransferListItem[];
  resolve(result: never): void;
  reject(error: unknown): void;
}

/**
 * Jobs wait in line for a thread. Threads without a job do not keep the process alive.
 *
 * @example
 * const pool = new ThreadPool(() => startThread("picture-worker", import.meta.url), 2);
 * const hash = await pool.run<string>({ type: "hash", image });
 */
export class ThreadPool<Job> {
  readonly #start: () => Worker;
  readonly #most: number;
  readonly #idle: Worker[] = [];
  readonly #line: Waiting<Job>[] = [];
  #threads = 0;

  /** @param most threads at once */
  constructor(start: () => Worker, most: number) {
    this.#start = start;
    this.#most = most;
  }

  /**
   * Runs a job. What the thread reports as an error rejects as an Error, with its `code` where it has one.
   * @param transfer what the thread takes over instead of a copy
   */
  run<Result>(job: Job, transfer: readonly TransferListItem[] = []): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const thread = this.#idle.pop() ?? this.#another();
      this.#line.push({ job, transfer, resolve, reject });
      if (thread) this.#next(thread);
    });
  }

  #another(): Worker | undefined {
    if (this.#threads >= this.#most) return undefined;
    const thread = this.#start(); // may throw, with too many open files; the next job tries again
    this.#threads += 1;
    return thread;
  }

  #next(thread: Worker): void {
    const waiting = this.#line.shift();
    if (!waiting) {
      thread.unref();
      this.#idle.push(thread);
      return;
    }
    thread.ref();
    const { job, transfer, resolve, reject } = waiting;
    const answered = (reply: ThreadReply<never>) => {
      done();
      this.#next(thread);
      if ("result" in reply) resolve(reply.result);
      else reject(Object.assign(new Error(reply.error.message), { code: reply.error.code }));
    };
    const lost = (cause?: Error) => {
      done();
      this.#threads -= 1;
      reject(
        new Error("The thread that worked on this has ended; it may have needed more memory than there is.", { cause }),
      );
      const other = this.#line.length > 0 ? this.#another() : undefined;
      if (other) this.#next(other);
    };
    const failed = (error: Error) => lost(error);
    const ended = () => lost();
    const done = () => thread.off("message", answered).off("error", failed).off("exit", ended);
    thread.on("message", answered).on("error", failed).on("exit", ended);
    thread.postMessage(job, transfer);
  }
}
