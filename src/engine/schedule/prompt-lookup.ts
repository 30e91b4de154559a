/** @file Guesses the next tokens of an answer from what prompt and answer have said before. */

/** Longest n-gram and longest draft that may be asked for: beyond these nothing is gained, and a step's logits take memory. */
const MOST = { ngram: 16, tokens: 64 } as const;

export interface PromptLookupOptions {
  /** Tokens that must have occurred before in the same order. Default 3: fewer guess wrong more often. */
  ngram?: number;
  /** Most tokens that are guessed at a time. Default 8: what a memory-bound step computes for little more than one. */
  tokens?: number;
}

/** The options, checked and complete. */
export type PromptLookupSettings = Required<PromptLookupOptions>;

/** @throws RangeError naming the option, what was found and what is allowed. */
export function promptLookupSettings(options: PromptLookupOptions): PromptLookupSettings {
  const { ngram = 3, tokens = 8 } = options;
  for (const [name, value] of Object.entries({ ngram, tokens })) {
    const most = MOST[name as keyof typeof MOST];
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new RangeError(`promptLookup.${name} must be a whole number from 1 to ${most}; found ${value}.`);
  }
  return { ngram, tokens };
}

/**
 * Drafts for one answer: where the last n tokens stood before, the draft is what followed them there (Saxena, "Prompt
 * Lookup Decoding", 2023). It may run into itself, so that a loop is guessed at full length. A draft that fails makes the
 * next one as short as what was right; one that holds doubles it again.
 * @example
 * const lookup = new PromptLookup([1, 2, 3, 4, 1, 2, 3], promptLookupSettings({}), 100);
 * lookup.propose([]); // [4, 1, 2, 3, 4, 1, 2, 3]
 */
export class PromptLookup {
  readonly #ids: number[] = [];
  /** Where the token after an n-gram stands, the latest place of each. */
  readonly #after = new Map<string, number>();
  readonly #settings: PromptLookupSettings;
  readonly #prompt: number;
  readonly #maxNewTokens: number;
  #length: number;
  /** Tokens guessed so far, and how many of them the model chose too. */
  drafted = 0;
  accepted = 0;

  /**
   * @param prompt token ids; image slots (negative ids) are never guessed
   * @param maxNewTokens length at which the answer ends: no draft goes further
   */
  constructor(prompt: readonly number[], settings: PromptLookupSettings, maxNewTokens: number) {
    this.#settings = settings;
    this.#prompt = prompt.length;
    this.#maxNewTokens = maxNewTokens;
    this.#length = this.#settings.tokens;
    for (const id of prompt) this.#add(id);
  }

  /** The guess for what follows the prompt and `generated`; empty when nothing is known. */
  propose(generated: readonly number[]): number[] {
    for (let i = this.#ids.length - this.#prompt; i < generated.length; i++) this.#add(generated[i]!);
    const ids = this.#ids;
    const from = this.#after.get(this.#key(ids.length));
    // The token that the model chooses after the last of a draft comes for free and must still be wanted.
    const most = Math.min(this.#length, this.#maxNewTokens - generated.length - 1);
    const draft: number[] = [];
    if (from === undefined) return draft;
    while (draft.length < most) {
      const at = from + draft.length;
      const id = at < ids.length ? ids[at]! : draft[at - ids.length]!;
      if (id < 0) break;
      draft.push(id);
    }
    return draft;
  }

  /** Says how many tokens of the last draft the model chose too. */
  observe(drafted: number, accepted: number): void {
    this.drafted += drafted;
    this.accepted += accepted;
    const next = accepted === drafted ? this.#length * 2 : accepted;
    this.#length = Math.min(this.#settings.tokens, Math.max(1, next));
  }

  #add(id: number): void {
    // The n-gram that ends before `id` is known from now on: the last n tokens themselves are never their own example.
    if (this.#ids.length >= this.#settings.ngram) this.#after.set(this.#key(this.#ids.length), this.#ids.length);
    this.#ids.push(id);
  }

  /** Name of the n-gram that ends before `end`. */
  #key(end: number): string {
    return this.#ids.slice(Math.max(0, end - this.#settings.ngram), end).join();
  }
}
