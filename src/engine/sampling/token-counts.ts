/** @file What a request has said so far, counted as the penalties need it. */

export class TokenCounts {
  readonly #prompt: ReadonlySet<number>;
  readonly #answer = new Map<number, number>();
  readonly generated: number[] = [];

  /** Image slots (negative ids) are no tokens and never penalised. */
  constructor(promptIds: Iterable<number>) {
    this.#prompt = new Set([...promptIds].filter((id) => id >= 0));
  }

  add(token: number): void {
    this.generated.push(token);
    this.#answer.set(token, (this.#answer.get(token) ?? 0) + 1);
  }

  /** Tokens of the answer and how often each occurs. */
  get answer(): ReadonlyMap<number, number> {
    return this.#answer;
  }

  /** Every token of prompt and answer, once. */
  *seen(): Iterable<number> {
    yield* this.#prompt;
    for (const token of this.#answer.keys()) if (!this.#prompt.has(token)) yield token;
  }
}
