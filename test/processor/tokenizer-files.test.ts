// Tokenizers are read from older files too, and written with what other programs need.
import { describe, expect, test } from "vitest";
import { createTokenizerConfig, Tokenizer, tokenizerFromVocab, trainTokenizer } from "../../src/processor/index.ts";
import { type Expected, readJson, STATIC_TINY } from "./golden.ts";

interface TokenizerFile {
  model: { vocab: Record<string, number>; merges: [string, string][] };
}

const json = readJson<TokenizerFile>(new URL("tokenizer.json", STATIC_TINY));
const tokenizerConfig = readJson<Record<string, unknown>>(new URL("tokenizer_config.json", STATIC_TINY));
const files = {
  vocab: json.model.vocab,
  merges: `#version: 0.2\n${json.model.merges.map((pair) => pair.join(" ")).join("\n")}\n`,
  addedTokens: readJson(new URL("added_tokens.json", STATIC_TINY)),
};

describe("vocab.json and merges.txt", () => {
  test.each([
    ["with added_tokens.json", files],
    ["with tokenizer_config.json", { ...files, addedTokens: undefined, tokenizerConfig }],
    ["with line ends of Windows", { ...files, merges: files.merges.replaceAll("\n", "\r\n") }],
  ])("%s give the reference ids", (_, parts) => {
    const tokenizer = tokenizerFromVocab(parts);
    for (const { text, ids } of readJson<Expected>(new URL("expected.json", STATIC_TINY)).tokenize) {
      expect(tokenizer.encode(text, { controlTokens: true })).toEqual(ids);
    }
    expect(tokenizer.isSpecial(tokenizer.encodeControl("<|im_end|>"))).toBe(true);
  });

  test.each([
    ["no vocabulary", { ...files, vocab: null }, /model\.vocab/],
    [
      "a line of three entries",
      { ...files, merges: "#version\na b\na b c" },
      /merges\.txt cannot be used: line 3 is "a b c"/,
    ],
    ["an added token without id", { ...files, addedTokens: { "<a>": "1" } }, /added_tokens\.json cannot be used: <a>/],
    [
      "an id that is no number",
      { ...files, tokenizerConfig: { added_tokens_decoder: { x: { content: "<a>" } } } },
      /tokenizer_config/,
    ],
  ])("with %s are refused", (_, parts, message) => expect(() => tokenizerFromVocab(parts)).toThrow(message));
});

describe("tokenizer_config.json of a trained tokenizer", () => {
  test("is the one that the reference checkpoint has", () => {
    const trained = trainTokenizer(["aa ab"], { vocabSize: 483 });
    const ids = { ...json, added_tokens: trained.added_tokens.map((token, i) => ({ ...token, id: 480 + i })) };
    expect(createTokenizerConfig(ids as unknown as typeof trained, 32768)).toEqual(tokenizerConfig);
  });

  test("gives the tokenizer its end and padding", () => {
    const trained = trainTokenizer([], { vocabSize: 259 });
    const tokenizer = Tokenizer.fromJSON(trained, createTokenizerConfig(trained, 512));
    expect([tokenizer.eosId, tokenizer.padId]).toEqual([258, 256]);
  });

  test("needs the control tokens", () => {
    const trained = trainTokenizer([], { vocabSize: 300, specialTokens: ["<|im_end|>"] });
    expect(() => createTokenizerConfig(trained, 512)).toThrow("The tokenizer has no <|endoftext|>");
  });
});
