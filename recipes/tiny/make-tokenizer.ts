/** @file Trains the small model's tokenizer on the market's texts and writes its files beside config.json. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer, trainTokenizer } from "flashvl/processor";
import { marketCorpus } from "./market/index.ts";

const SEED = 1;
const TEXTS = 60_000;
const VOCABULARY = 2048;
const folder = join(import.meta.dirname, "model");

const chinese = new Intl.Segmenter("zh", { granularity: "word" });

/**
 * Texts with runs of Chinese characters cut into words. Chinese has no spaces, so BPE would otherwise learn whole template
 * sentences, and a vegetable's name would be spread over as many tokens as there are phrases around it.
 */
function* words(texts: Iterable<string>): Generator<string> {
  for (const text of texts)
    for (const part of text.split(/(\p{Script=Han}+)/u))
      if (/^\p{Script=Han}/u.test(part)) for (const { segment } of chinese.segment(part)) yield segment;
      else if (part) yield part;
}

const trained = trainTokenizer(words(marketCorpus(SEED, TEXTS)), { vocabSize: VOCABULARY });
const special = Object.fromEntries(trained.added_tokens.map((t) => [t.content, t.id]));
const size = Object.keys(trained.model.vocab).length + trained.added_tokens.length;
const padded = Math.ceil(size / 64) * 64;

const write = (name: string, content: object) => writeFile(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
await writeFile(join(folder, "tokenizer.json"), JSON.stringify(trained));
await write("added_tokens.json", special);
await write("tokenizer_config.json", {
  tokenizer_class: "Qwen2Tokenizer",
  eos_token: "<|im_end|>",
  pad_token: "<|endoftext|>",
  model_max_length: 2048,
  add_prefix_space: false,
  added_tokens_decoder: Object.fromEntries(trained.added_tokens.map(({ id, ...rest }) => [id, rest])),
});
const eos = special["<|im_end|>"];
await write("generation_config.json", { bos_token_id: special["<|endoftext|>"], eos_token_id: eos });
const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
config.llm_config = {
  ...config.llm_config,
  vocab_size: padded,
  bos_token_id: special["<|endoftext|>"],
  eos_token_id: eos,
};
await write("config.json", config);

const tokenizer = Tokenizer.fromJSON(trained);
let [characters, tokens] = [0, 0];
for (const text of marketCorpus(SEED + 1, 2000)) {
  characters += text.length;
  tokens += tokenizer.encode(text).length;
}
console.log(
  `${size} tokens (${padded} rows), ${(characters / tokens).toFixed(2)} characters per token on other market texts`,
);
