/** @file Hands parts from whoever produces them to an async iteration. */

/** An unbounded queue: an answer is at most a context long, so a slow reader costs little memory. */
export class PartQueue<Part> implements AsyncIterable<Part> {
  readonly #parts: Part[] = [];
  #ended = false;
  #error: unknown;
  #notify: (() => void) | undefined;

  push(part: Part): void {
    this.#parts.push(part);
    this.#notify?.();
  }

  /** Ends the iteration, with an error if there is one, once all parts are read. */
  end(error?: unknown): void {
    this.#ended = true;
    this.#error = error;
    this.#notify?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Part, void, undefined> {
    for (;;) {
      while (this.#parts.length > 0) yield this.#parts.shift()!;
      if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }
}
