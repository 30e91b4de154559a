/** @file The page's side of the port: requests with their answers, parts and progress. */
import type { StreamPart } from "../engine/index.ts";
import { type Answer, type Request, receiveError } from "./protocol.ts";
import type { WebProgress } from "./web-options.ts";

/** What to do with the answers to one request. */
interface Waiting {
  done(value: unknown): void;
  fail(error: Error): void;
  part?(part: StreamPart): void;
  progress?(progress: WebProgress): void;
}

type Unnumbered = Request extends infer R ? (R extends { type: "abort" } ? never : Omit<R & object, "id">) : never;

/** Requests to a Worker. */
export class WorkerCalls {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #failure: Error | undefined;

  /** Takes the Worker over. */
  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      const why = event.message
        ? `: ${event.message}`
        : "; its script cannot be loaded, or the page's policy (worker-src) forbids it";
      this.close(new Error(`The model's Worker ended${why}.`));
    };
    worker.onmessageerror = () => this.close(new Error("The model's Worker sent something that cannot be read."));
  }

  /**
   * Sends a request.
   * @returns what the Worker answers in the end
   * @throws the Worker's error
   */
  async ask(
    request: Unnumbered,
    signal: AbortSignal | undefined,
    more: Pick<Waiting, "part" | "progress"> = {},
  ): Promise<unknown> {
    if (this.#failure) throw this.#failure;
    const id = this.#next++;
    const abort = () => this.#worker.postMessage({ id, type: "abort" } satisfies Request);
    try {
      return await new Promise((done, fail) => {
        this.#waiting.set(id, { done, fail, ...more });
        this.#worker.postMessage({ ...request, id } as Request);
        if (signal?.aborted) abort();
        signal?.addEventListener("abort", abort, { once: true });
      });
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#waiting.delete(id);
    }
  }

  /** Ends the Worker; what waits fails with the error, and so does what is asked later. */
  close(error: Error): void {
    this.#failure ??= error;
    this.#worker.terminate();
    for (const { fail } of this.#waiting.values()) fail(this.#failure);
  }

  #receive(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    if (answer.type === "part") waiting.part?.(answer.part);
    else if (answer.type === "progress") waiting.progress?.(answer.progress);
    else if (answer.type === "done") waiting.done(answer.value);
    else waiting.fail(receiveError(answer.error));
  }
}
