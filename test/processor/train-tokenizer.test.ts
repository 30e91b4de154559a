// A trained tokenizer equals the one that Python's tokenizers trains, and encodes as it was trained.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Tokenizer, trainTokenizer } from "../../src/processor/index.ts";
import { readJson, STATIC_TINY } from "./golden.ts";
import { FUZZ_RUNS } from "./noise.ts";

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

describe("any texts", () => {
  // Few letters and many repeats, so that pairs of every kind tie, overlap and nest.
  const texts = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c", " ", "豆"), maxLength: 30 }), {
    maxLength: 6,
  });

  test("train the same file again, in any order of the texts", () => {
    fc.assert(
      fc.property(texts, (corpus) => {
        const trained = trainTokenizer(corpus, { vocabSize: 290 });
        expect(trainTokenizer(corpus.toReversed(), { vocabSize: 290 })).toEqual(trained);
        expect(JSON.stringify(trainTokenizer(corpus, { vocabSize: 290 }))).toBe(JSON.stringify(trained));
      }),
      { numRuns: FUZZ_RUNS / 3 },
    );
  });

  test("give merges that are each the most frequent pair once the earlier ones are applied", () => {
    fc.assert(
      fc.property(texts, (corpus) => {
        const { merges, vocab } = trainTokenizer(corpus, { vocabSize: 269 }).model;
        for (const [i, [left, right]] of merges.entries()) {
          // A tokenizer with the merges up to here, counted from scratch: no bookkeeping in common with the trainer.
          const json = trainTokenizer([], { vocabSize: 259 });
          const earlier = merges.slice(0, i);
          for (const [a, b] of earlier) json.model.vocab[a + b] = vocab[a + b]!;
          json.model.merges.push(...earlier);
          json.added_tokens = [];
          expect(mostFrequentPair(Tokenizer.fromJSON(json), corpus)).toEqual([vocab[left], vocab[right]]);
        }
      }),
      { numRuns: FUZZ_RUNS / 10 },
    );
  });

  test("decode to themselves, and to any other text too", () => {
    fc.assert(
      fc.property(texts, fc.string({ unit: "grapheme" }), (corpus, other) => {
        const tokenizer = Tokenizer.fromJSON(trainTokenizer(corpus, { vocabSize: 280 }));
        for (const text of [...corpus, other])
          expect(tokenizer.decode(tokenizer.encode(text))).toBe(text.normalize("NFC"));
      }),
      { numRuns: FUZZ_RUNS / 3 },
    );
  });
});

/** The pair of ids that stands side by side most often within words; of equals the one with the smaller ids. */
function mostFrequentPair(tokenizer: Tokenizer, corpus: string[]): [number, number] | undefined {
  const counts = new Map<string, number>();
  for (const text of corpus) {
    for (const word of text.match(/[^豆abc]?[豆abc]+|\s+(?!\S)|\s+/gu) ?? []) {
      const ids = tokenizer.encode(word);
      for (let i = 1; i < ids.length; i++) {
        const key = `${ids[i - 1]} ${ids[i]}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
  }
  const ranked = Array.from(counts, ([key, count]) => ({
    pair: key.split(" ").map(Number) as [number, number],
    count,
  }));
  ranked.sort((a, b) => b.count - a.count || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1]);
  return ranked[0]?.pair;
}

test("no texts give the 256 bytes and the control tokens", () => {
  const trained = trainTokenizer([], { vocabSize: 3000, specialTokens: ["<a>", "<b>"] });
  expect(Object.keys(trained.model.vocab).length).toBe(256);
  expect(trained.model.merges).toEqual([]);
  expect(trained.added_tokens.map(({ id, content }) => [id, content])).toEqual([
    [256, "<a>"],
    [257, "<b>"],
  ]);
});

test("digits stay single, as in Qwen2.5", () => {
  const tokenizer = Tokenizer.fromJSON(trainTokenizer(["2024 2024 2024 2024"], { vocabSize: 300 }));
  expect(tokenizer.encode("2024").length).toBe(4);
});

test("thousands of merges over a long text are learnt within seconds", () => {
  const words = Array.from({ length: 8_000 }, (_, i) => `${((i * 2654435761) >>> 0).toString(36)} 价格${i % 977}元`);
  const trained = trainTokenizer(words, { vocabSize: 3000 });
  expect(trained.added_tokens.at(-1)!.id).toBe(2999);
});

test.each([
  [258, undefined, /vocabSize is 258; expected from 259/],
  [1.5, undefined, /vocabSize is 1.5/],
  [300, ["<a>", "<a>"], /different from each other/],
  [300, [""], /none may be empty/],
] as const)("vocabSize %d with special tokens %j is refused", (vocabSize, specialTokens, message) => {
  expect(() => trainTokenizer(["x"], { vocabSize, ...(specialTokens && { specialTokens }) })).toThrow(message);
});
