/** @file Writes tokenizer_config.json for a tokenizer that was trained here. */
import type { AddedTokenJson, QwenTokenizerJson } from "./qwen-tokenizer-json.ts";

/** The content of a tokenizer_config.json file, as transformers' Qwen2Tokenizer reads it. */
export interface TokenizerConfigJson {
  tokenizer_class: "Qwen2Tokenizer";
  eos_token: string;
  pad_token: string;
  model_max_length: number;
  add_prefix_space: false;
  added_tokens_decoder: Record<string, Omit<AddedTokenJson, "id">>;
}

/**
 * The tokenizer_config.json that belongs to a trained tokenizer: answers end with `<|im_end|>`, rows are padded with
 * `<|endoftext|>`.
 *
 * @param maxLength the model's context, in tokens
 * @throws if the tokenizer lacks one of the two control tokens
 * @example
 * const tokenizerJson = trainTokenizer(texts, { vocabSize: 3000 });
 * await writeFile("tokenizer_config.json", JSON.stringify(createTokenizerConfig(tokenizerJson, 4096)));
 */
export function createTokenizerConfig(tokenizerJson: QwenTokenizerJson, maxLength: number): TokenizerConfigJson {
  const [eos, pad] = ["<|im_end|>", "<|endoftext|>"].map((name) => {
    const token = tokenizerJson.added_tokens.find(({ content }) => content === name);
    if (token === undefined) throw new Error(`The tokenizer has no ${name}; train it with that special token.`);
    return token.content;
  });
  return {
    tokenizer_class: "Qwen2Tokenizer",
    eos_token: eos!,
    pad_token: pad!,
    model_max_length: maxLength,
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(tokenizerJson.added_tokens.map(({ id, ...token }) => [id, token])),
  };
}
