/** @file Byte-pair encoding of Qwen2.5's words by token ids, in steps between which other work may be done. */
import { BYTE_TO_CHAR } from "./byte-alphabet.ts";
import { Heap } from "./heap.ts";
import { QWEN_SPLIT } from "./qwen-tokenizer-json.ts";
import type { TokenizerJson } from "./tokenizer-schema.ts";

/** The same words as {@link QWEN_SPLIT}, in JavaScript's notation, which has no case-insensitive groups. */
const WORDS =
  /'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu;

/** Ids are below this, so that a pair is one exact number. */
const IDS = 2 ** 24;
/** Positions in a word are below this, so that rank and position together are one exact number. */
const POSITIONS = 2 ** 27;

/** Words that are kept with their tokens; they are forgotten all at once. */
const MOST_WORDS = 20_000;
/** Longer words hardly come twice. */
const LONGEST_KEPT = 64;
/** Longer words are first asked for the fewest tokens that they can have. */
const LONG_WORD = 4096;

/** Words, symbols or merges between two breaks: well below a millisecond of work. */
const WORDS_BETWEEN_BREAKS = 64;
const SYMBOLS_BETWEEN_BREAKS = 1024;

const encoder = new TextEncoder();

/** Whether a tokenizer splits and merges text as Qwen2.5's does. */
export function isQwenBpe({ normalizer, pre_tokenizer, model }: TokenizerJson): boolean {
  const parts = (pre_tokenizer?.pretokenizers ?? []) as Record<string, unknown>[];
  const [split, bytes] = parts;
  const pattern = split?.pattern as { Regex?: string } | undefined;
  return (
    normalizer?.type === "NFC" &&
    pre_tokenizer?.type === "Sequence" &&
    parts.length === 2 &&
    split?.type === "Split" &&
    pattern?.Regex === QWEN_SPLIT &&
    split.behavior === "Isolated" &&
    !split.invert &&
    bytes?.type === "ByteLevel" &&
    !bytes.add_prefix_space &&
    bytes.use_regex === false &&
    !model.ignore_merges &&
    !model.byte_fallback &&
    !model.continuing_subword_prefix &&
    !model.end_of_word_suffix
  );
}

/** Merges of one vocabulary. */
export class BytePairs {
  /** By byte: its token. */
  readonly #bytes: Int32Array;
  /** By pair of ids: the rank of its merge times {@link IDS}, plus the token that it becomes. */
  readonly #merges = new Map<number, number>();
  readonly #vocab: Record<string, number>;
  readonly #words = new Map<string, readonly number[]>();
  /** By three bytes: how many bytes the longest token has that begins with them. */
  #longest: Map<number, number> | undefined;

  constructor({ model: { vocab, merges } }: TokenizerJson) {
    this.#vocab = vocab;
    this.#bytes = Int32Array.from(BYTE_TO_CHAR, (char) => vocab[char]!);
    for (const [rank, merge] of merges.entries()) {
      const [left, right] = partsOf(merge);
      const a = vocab[left];
      const b = vocab[right];
      const joined = vocab[left + right];
      if (typeof a !== "number" || typeof b !== "number" || typeof joined !== "number")
        throw new Error(
          `tokenizer.json cannot be used: the merge ${JSON.stringify(merge)} does not name two entries of model.vocab that make a third.`,
        );
      const pair = a * IDS + b;
      if (!this.#merges.has(pair)) this.#merges.set(pair, rank * IDS + joined);
    }
  }

  /**
   * Appends a text's tokens to `ids`. Ends early, after any token beyond them, once `ids` has more than `most` entries
   * or must come to have more.
   */
  *encode(text: string, ids: number[], most: number): Generator<void, void> {
    const normal = text.normalize("NFC");
    let words = 0;
    for (const [word] of normal.matchAll(WORDS)) {
      if (++words % WORDS_BETWEEN_BREAKS === 0) yield;
      const known = this.#words.get(word);
      if (known) for (const id of known) ids.push(id);
      else yield* this.#encodeWord(word, ids, most);
      if (ids.length > most) return;
    }
  }

  *#encodeWord(word: string, ids: number[], most: number): Generator<void, void> {
    const bytes = encoder.encode(word);
    const isLong = bytes.length > LONG_WORD && most < Number.POSITIVE_INFINITY;
    if (isLong && (yield* this.#needsMoreThan(bytes, most - ids.length))) {
      // The caller only wants to know that there are too many.
      while (ids.length <= most) ids.push(0);
      return;
    }
    const tokens = yield* this.#merge(bytes);
    for (const id of tokens) ids.push(id);
    if (word.length > LONGEST_KEPT) return;
    if (this.#words.size >= MOST_WORDS) this.#words.clear();
    this.#words.set(word, tokens);
  }

  /** Joins the pair of the lowest rank, the leftmost of equals, until no pair can be joined. */
  *#merge(bytes: Uint8Array): Generator<void, number[]> {
    const symbols = Int32Array.from(bytes, (byte) => this.#bytes[byte]!); // [bytes]; -1: joined with the one before
    const next = Int32Array.from(bytes, (_, at) => at + 1);
    const before = Int32Array.from(bytes, (_, at) => at - 1);
    const heap = new Heap<number>((a, b) => a < b);
    const rankAt = (at: number): number => {
      const following = next[at]!;
      if (symbols[at]! < 0 || following >= bytes.length) return -1;
      const merge = this.#merges.get(symbols[at]! * IDS + symbols[following]!);
      return merge === undefined ? -1 : Math.floor(merge / IDS);
    };
    const offer = (at: number) => {
      const rank = at < 0 ? -1 : rankAt(at);
      if (rank >= 0) heap.push(rank * POSITIONS + at);
    };
    for (let at = 0; at < bytes.length - 1; at += 1) {
      if (at % SYMBOLS_BETWEEN_BREAKS === SYMBOLS_BETWEEN_BREAKS - 1) yield;
      offer(at);
    }
    let merged = 0;
    for (let lowest = heap.pop(); lowest !== undefined; lowest = heap.pop()) {
      if (++merged % SYMBOLS_BETWEEN_BREAKS === 0) yield;
      const at = lowest % POSITIONS;
      // The pair may have changed since it was offered.
      if (rankAt(at) !== Math.floor(lowest / POSITIONS)) continue;
      const joined = next[at]!;
      symbols[at] = this.#merges.get(symbols[at]! * IDS + symbols[joined]!)! % IDS;
      symbols[joined] = -1;
      next[at] = next[joined]!;
      if (next[at]! < bytes.length) before[next[at]!] = at;
      offer(before[at]!);
      offer(at);
    }
    const tokens: number[] = [];
    for (let at = 0; at < bytes.length; at = next[at]!) tokens.push(symbols[at]!);
    return tokens;
  }

  /**
   * Whether bytes take more than `count` tokens however they are cut: at every place a token reaches at most as far as
   * the longest one that begins with the same three bytes, so `count` such reaches must get to the end.
   */
  *#needsMoreThan(bytes: Uint8Array, count: number): Generator<void, boolean> {
    const longest = this.#longest ?? (yield* this.#findLongest());
    this.#longest = longest;
    let jumps = 0;
    let end = 0; // as far as `jumps` tokens can reach
    let reach = 0; // as far as one more can
    for (let at = 0; at < bytes.length; at += 1) {
      if (at % SYMBOLS_BETWEEN_BREAKS === 0) yield;
      reach = Math.max(reach, at + (longest.get(startOf(bytes[at]!, bytes[at + 1], bytes[at + 2])) ?? 2));
      if (at < end) continue;
      jumps += 1;
      if (jumps > count) return true;
      end = reach;
    }
    return false;
  }

  *#findLongest(): Generator<void, Map<number, number>> {
    const byteOf = new Map(BYTE_TO_CHAR.map((char, byte) => [char, byte]));
    const longest = new Map<number, number>();
    let seen = 0;
    for (const token of Object.keys(this.#vocab)) {
      if (++seen % SYMBOLS_BETWEEN_BREAKS === 0) yield;
      if (token.length < 3) continue;
      const start = startOf(byteOf.get(token[0]!) ?? 0, byteOf.get(token[1]!), byteOf.get(token[2]!));
      longest.set(start, Math.max(longest.get(start) ?? 2, token.length));
    }
    return longest;
  }
}

/** Both sides of a merge, which older files write as one text. */
function partsOf(merge: string | [string, string]): [string, string] {
  if (typeof merge !== "string") return Array.isArray(merge) ? merge : ["", ""];
  const space = merge.indexOf(" ");
  return [merge.slice(0, space), merge.slice(space + 1)];
}

const startOf = (a: number, b = 0, c = 0): number => (a * 256 + b) * 256 + c;
