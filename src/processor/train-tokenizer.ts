/** @file Trains a byte-level BPE tokenizer of Qwen2.5's kind on texts: the vocabulary of a small model. */
import { Tokenizer as BpeTokenizer } from "@huggingface/tokenizers";
import { BYTE_TO_CHAR } from "./byte-alphabet.ts";
import { MAX_SYMBOLS, MergeCounter } from "./merge-counter.ts";
import {
  addedTokenJson,
  CHAT_CONTROL_TOKENS,
  type QwenTokenizerJson,
  qwenTokenizerJson,
} from "./qwen-tokenizer-json.ts";

export interface TrainTokenizerOptions {
  /** Number of ids wanted, special tokens included. Fewer come out when the texts have no more pairs to join. */
  vocabSize: number;
  /** Control tokens, with the highest ids. Default: `<|endoftext|>`, `<|im_start|>`, `<|im_end|>`. */
  specialTokens?: readonly string[];
}

/** How often each word occurs, words written in the byte alphabet. Split by the library, as the tokenizer will. */
function countWords(texts: Iterable<string>): Map<string, number> {
  const splitter = new BpeTokenizer(qwenTokenizerJson({}, [], []), {});
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of splitter.pre_tokenizer!(splitter.normalizer!(text))) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

/**
 * Learn a vocabulary: all 256 bytes, so that every text can be encoded, and then the most frequent neighbours joined
 * again and again (Sennrich et al. 2016, arXiv:1508.07909). Equal counts are decided by the smaller ids, as in Python's
 * `tokenizers`, so the same texts give the same file.
 *
 * @param texts are read once; their order does not matter
 * @returns the content for tokenizer.json; `Tokenizer.fromJSON` takes it
 * @throws if vocabSize has no room for the 256 bytes and the special tokens, or a special token is empty or twice there
 * @example
 * await writeFile("tokenizer.json", JSON.stringify(trainTokenizer(texts, { vocabSize: 3000 })));
 */
export function trainTokenizer(texts: Iterable<string>, options: TrainTokenizerOptions): QwenTokenizerJson {
  const { vocabSize, specialTokens = CHAT_CONTROL_TOKENS } = options;
  const least = BYTE_TO_CHAR.length + specialTokens.length;
  if (!Number.isSafeInteger(vocabSize) || vocabSize < least || vocabSize > MAX_SYMBOLS) {
    throw new Error(`vocabSize is ${vocabSize}; expected from ${least} (256 bytes and the special tokens) up.`);
  }
  if (new Set(specialTokens).size !== specialTokens.length || specialTokens.includes("")) {
    throw new Error("specialTokens must be different from each other, and none may be empty.");
  }
  const tokens = [...BYTE_TO_CHAR].sort(); // in the order of Qwen's vocabulary
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const words = countWords(texts);
  const counter = new MergeCounter(
    Array.from(words, ([word, count]): [number[], number] => [Array.from(word, (char) => ids.get(char)!), count]),
  );
  const merges: [string, string][] = [];
  while (tokens.length < vocabSize - specialTokens.length) {
    const best = counter.best();
    if (best === undefined) break;
    const left = tokens[best.left]!;
    const right = tokens[best.right]!;
    // One way to make each token: a second one could undo the order in which encoding joins pairs.
    if (ids.has(left + right)) continue;
    counter.merge(best.left, best.right, tokens.length);
    ids.set(left + right, tokens.length);
    tokens.push(left + right);
    merges.push([left, right]);
  }
  const added = specialTokens.map((content, index) => addedTokenJson(tokens.length + index, content, true));
  return qwenTokenizerJson(Object.fromEntries(ids), merges, added);
}
