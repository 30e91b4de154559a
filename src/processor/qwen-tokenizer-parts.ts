/** @file The fixed parts of a Qwen2.5 style tokenizer.json: normaliser, splitting into words, and byte-level decoding. */

/** Words as Qwen2.5 splits them: contractions, letters with one sign before, single digits, signs, line ends, spaces. */
const QWEN_SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

export const QWEN_NORMALIZER = { type: "NFC" } as const;

export const QWEN_PRE_TOKENIZER = {
  type: "Sequence",
  pretokenizers: [
    { type: "Split", pattern: { Regex: QWEN_SPLIT }, behavior: "Isolated", invert: false },
    { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
  ],
} as const;

export const QWEN_DECODER = {
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: false,
  use_regex: false,
} as const;

/** The control tokens that every FlashVL checkpoint has, in the order of their ids. */
export const CHAT_CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] as const;
