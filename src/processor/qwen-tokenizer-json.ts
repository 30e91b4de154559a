/** @file Writes the content of a Qwen2.5 style tokenizer.json: the fixed parts around a vocabulary and its merges. */

/** Words as Qwen2.5 splits them: contractions, letters with one sign before, single digits, signs, line ends, spaces. */
export const QWEN_SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The control tokens that every FlashVL checkpoint has, in the order of their ids. */
export const CHAT_CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] as const;

/** A token outside the vocabulary that byte-pair encoding builds. */
export interface AddedTokenJson {
  id: number;
  content: string;
  single_word: false;
  lstrip: false;
  rstrip: false;
  normalized: false;
  special: boolean;
}

/** An added token as Qwen2.5 has them: found anywhere, exactly as written. */
export function addedTokenJson(id: number, content: string, special: boolean): AddedTokenJson {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
}

/** The content of a tokenizer.json file. */
export type QwenTokenizerJson = ReturnType<typeof qwenTokenizerJson>;

/**
 * @param vocab id of each entry, in the byte alphabet
 * @param merges pairs of entries, the first to be joined first
 */
export function qwenTokenizerJson(
  vocab: Record<string, number>,
  merges: [string, string][],
  addedTokens: AddedTokenJson[],
) {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens,
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: QWEN_SPLIT }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}
