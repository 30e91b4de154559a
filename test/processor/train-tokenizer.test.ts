// A trained tokenizer equals the one that Python's tokenizers trains, and encodes as it was trained.
import { expect, test } from "vitest";
import { Tokenizer, trainTokenizer } from "../../src/processor/index.ts";
import { readJson, STATIC_TINY } from "./golden.ts";

/** The texts that the tiny checkpoint's tokenizer was trained on (tools/reference/make_golden.py). */
const CORPUS = [
  "What vegetable is in row 1, column 2 and how much is it per jin?",
  "说说图中第一行第二列是什么蔬菜,买一斤多少钱",
  "图片中第一行第二列的蔬菜是荷兰豆,买一斤的价格是16.8元。",
  "The price is 12.5 yuan. There are three red circles and two blue squares.",
  "Answer with the option's letter from the given choices directly.",
  "You are a helpful assistant.",
  "system user assistant image question answer price tomato potato cucumber",
];
const REFERENCE_TEXTS = Array.from({ length: 4 }, () => CORPUS).flat();

interface Reference {
  model: { vocab: Record<string, number>; merges: [string, string][] };
  added_tokens: unknown;
}

test("the reference texts give the reference vocabulary and merges", () => {
  const reference = readJson<Reference>(new URL("tokenizer.json", STATIC_TINY));
  const trained = trainTokenizer(REFERENCE_TEXTS, { vocabSize: 483 });
  expect(trained.model.merges).toEqual(reference.model.merges);
  expect(trained.model.vocab).toEqual(reference.model.vocab);
  expect(trained.added_tokens).toEqual(reference.added_tokens);
});
