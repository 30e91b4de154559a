/** @file The lessons beside the conversations: their losses by formula, and which tokens of a market picture they speak of. */

import { readFile } from "node:fs/promises";
import { input, type Value } from "flashvl/graph";
import { listParameters, parametersOf, parseConfig } from "flashvl/model";
import {
  type Batch,
  createStepSession,
  createTensor,
  nativeTraining,
  ParameterStore,
  readSampleContext,
} from "flashvl/train";
import { expect, test } from "vitest";
import { marketWords, placesOfKinds } from "../lessons/market-words.ts";
import openPointing, { fillPointers, pointingLoss } from "../lessons/pointing.ts";
import { fillWords, wordPlaces, wordsLoss } from "../lessons/words.ts";
import { drawBoard, kinds, patchClasses } from "../market/index.ts";

const config = parseConfig(
  JSON.parse(await readFile(new URL("../../../test/golden/static-tiny/config.json", import.meta.url), "utf8")),
);
const MODEL = new URL("../../../models/flashvl-tiny", import.meta.url).pathname;
const numbers = (n: number, seed: number): number[] => Array.from({ length: n }, (_, i) => Math.sin(seed + 1.7 * i));
const logSumExp = (x: number[]): number => Math.log(x.reduce((sum, v) => sum + Math.exp(v), 0));
const dot = (a: number[], b: number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** The loss for these values of inputs and weights by name. */
async function lossOf(loss: Value, given: Readonly<Record<string, ArrayLike<number>>>): Promise<number> {
  const store = new ParameterStore(listParameters(config).filter(({ name }) => name in given));
  for (const { name } of store.parameters) store.get(name).set(given[name]!);
  const session = await createStepSession({ outputs: { loss } }, store, { on: nativeTraining(), threads: 1 });
  try {
    for (const [name, { data }] of session.inputs)
      for (let i = 0; i < data.length; i++)
        (data as { [i: number]: number | bigint })[i] =
          data instanceof BigInt64Array ? BigInt(given[name]![i]!) : given[name]![i]!;
    await session.run();
    return Number(session.outputs.get("loss")!.data[0]);
  } finally {
    await session.dispose();
  }
}

test("the words' loss is the cross-entropy of normed picture tokens with the embeddings", async () => {
  const { hiddenSize, vocabSize, normEpsilon } = config.decoder;
  const images = 1;
  const tokens = input("tokens", "float32", [images, config.windowTokens, hiddenSize]);
  const loss = wordsLoss(parametersOf(config), config, tokens);
  const [x, gain] = [numbers(config.windowTokens * hiddenSize, 1), numbers(hiddenSize, 2)];
  const head = numbers(vocabSize * hiddenSize, 3);
  const inputs = new Map(
    (["word_rows", "word_targets", "word_weights"] as const).map((name) => [
      name,
      createTensor(name === "word_weights" ? "float32" : "int64", [wordPlaces(config, images)]),
    ]),
  );
  const words = [
    { token: 0, id: 5, weight: 1 },
    { token: 2, id: 7, weight: 0.5 },
    { token: 2, id: 9, weight: 0.5 },
  ];
  fillWords(inputs, config, [{ words, windows: 1 }], 0.5);
  const headName = config.decoder.tiedHead ? "llm.model.embed_tokens.weight" : "llm.lm_head.weight";
  const found = await lossOf(loss, {
    tokens: x,
    "llm.model.norm.weight": gain,
    [headName]: head,
    ...Object.fromEntries([...inputs].map(([name, { data }]) => [name, Array.from(data as Float32Array, Number)])),
  });
  const logits = (token: number): number[] => {
    const row = x.slice(token * hiddenSize, (token + 1) * hiddenSize);
    const scale = 1 / Math.sqrt(dot(row, row) / hiddenSize + normEpsilon);
    const normed = row.map((v, i) => v * scale * gain[i]!);
    return Array.from({ length: vocabSize }, (_, id) =>
      dot(normed, head.slice(id * hiddenSize, (id + 1) * hiddenSize)),
    );
  };
  // Weights of 1, 0.5 and 0.5 are brought to a sum of 0.5.
  const expected = words.reduce((sum, { token, id, weight }) => {
    const all = logits(token);
    return sum + (weight / 4) * (logSumExp(all) - all[id]!);
  }, 0);
  expect(found).toBeCloseTo(expected, 4);
});

test("the pointing loss counts one head's attention over what the name can see", async () => {
  const c = config.decoder;
  const shape = { images: 2, rows: 2, length: 12 };
  const sizes = { q: c.heads * c.headDim, k: c.kvHeads * c.headDim };
  const q = input("q", "float32", [shape.rows, shape.length, sizes.q]);
  const k = input("k", "float32", [shape.rows, shape.length, sizes.k]);
  const head = c.heads - 1;
  const loss = pointingLoss(c, shape, { q, k }, head);
  // Row 1 holds two samples; in the second, tokens 0-4 are shared, 5-6 and 7-8 are two branches that do not see each other.
  const plain = { ids: [1, 2], positions: [0, 1], branches: [0, 0], targets: [], pictures: [] };
  const sample = {
    ids: [3, -1, -1, -1, 4, 5, 6, 7, 8],
    positions: [0, 1, 2, 3, 4, 5, 6, 5, 6],
    branches: [0, 0, 0, 0, 0, 1, 1, 2, 2],
    targets: [],
    pictures: [],
    extras: {
      pointers: [
        { at: 6, tokens: [{ token: 1, weight: 2 }] },
        { at: 5, tokens: [] },
        {
          at: 7,
          tokens: [
            { token: 0, weight: 1 },
            { token: 2, weight: 3 },
          ],
        },
      ],
    },
  };
  const batch: Batch = { rows: [[plain], [plain, sample]], cursor: 3, trainedTokens: 0 };
  const inputs = new Map([
    ["point_rows", createTensor("int64", [2, 64])],
    ["point_mask", createTensor("float32", [2, 64, 12])],
    ["point_targets", createTensor("float32", [2, 64, 12])],
  ]);
  fillPointers(inputs, batch, shape, 1);
  const [qs, ks] = [numbers(2 * 12 * sizes.q, 4), numbers(2 * 12 * sizes.k, 5)];
  const found = await lossOf(loss, {
    q: qs,
    k: ks,
    ...Object.fromEntries([...inputs].map(([name, { data }]) => [name, Array.from(data as Float32Array, Number)])),
  });
  const score = (at: number, of: number): number => {
    const a = (12 + 2 + at) * sizes.q + head * c.headDim;
    const b = (12 + 2 + of) * sizes.k + Math.floor(head / (c.heads / c.kvHeads)) * c.headDim;
    return dot(qs.slice(a, a + c.headDim), ks.slice(b, b + c.headDim)) / Math.sqrt(c.headDim);
  };
  const crossEntropy = (at: number, seen: number[], targets: [number, number][]): number =>
    targets.reduce((sum, [of, weight]) => sum - weight * score(at, of), logSumExp(seen.map((of) => score(at, of))));
  const expected =
    (crossEntropy(5, [0, 1, 2, 3, 4, 5], [[0, 1]]) +
      crossEntropy(6, [0, 1, 2, 3, 4, 5, 6], [[2, 1]]) +
      crossEntropy(
        7,
        [0, 1, 2, 3, 4, 7],
        [
          [1, 0.25],
          [3, 0.75],
        ],
      )) /
    3;
  expect(found).toBeCloseTo(expected, 4);
});

test("a head or layer that the decoder does not have is refused by name", () => {
  const context = { config, shape: { images: 1, rows: 1, length: 8, labels: 4 }, resolve: String };
  const { layers, heads } = config.decoder;
  const opened = (layer: number, head: number) => () => openPointing({ layer, head }, context);
  expect(opened(layers - 1, heads - 1)).not.toThrow();
  expect(opened(layers, 0)).toThrow(/head 0 of layer \d+; expected head 0 to/);
  expect(opened(0, heads)).toThrow(new RegExp(`head ${heads} of layer 0; expected head 0 to ${heads - 1}`));
});

test("names in a text point at the tokens whose patches lie at the place of what they name", async () => {
  const { tokenizer } = await readSampleContext(MODEL);
  const { board, patchLabels } = await drawBoard(3, { scene: "board", split: "train" });
  if (board.scene !== "board") throw new Error("expected a board");
  const words = marketWords(tokenizer);
  const sold = board.cells.filter((cell) => cell.kind !== null);
  const absent = kinds.find((kind) => sold.every((cell) => cell.kind !== kind.id))!;
  const name = (id: string | null) => kinds.find((kind) => kind.id === id)!;
  const [a, b] = [name(sold[0]!.kind), name(sold.at(-1)!.kind)];
  const ids = [9, -201, -201, ...tokenizer.encode(`${a.zh[0]}、${absent.zh[0]}和 ${b.en[0]}`)];
  const { pictureWords: spoken, pointers } = words(ids, placesOfKinds(board, patchLabels));
  expect(pointers.map(({ tokens }) => tokens.length > 0)).toEqual([true, false, true]);
  for (const [i, cell] of [sold[0]!, sold.at(-1)!].entries()) {
    const label = patchClasses.indexOf(`place:${cell.row},${cell.column}`);
    const patches = Array.from({ length: 256 }, (_, p) => p).filter((p) => patchLabels[p * 3 + 2] === label);
    const tokens = new Set(patches.map((p) => Math.floor(p / 32) * 8 + Math.floor((p % 16) / 2)));
    expect(new Set(pointers[2 * i]!.tokens.map(({ token }) => token))).toEqual(tokens);
    expect(pointers[2 * i]!.tokens.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(patches.length / 4);
  }
  expect(tokenizer.decode(ids.slice(3, pointers[0]!.at + 1))).toBe(a.zh[0]);
  expect(pointers[2]!.at).toBe(ids.length - 1);

  const first = pointers[0]!.tokens[0]!.token;
  expect(spoken.filter(({ token }) => token === first).map(({ id }) => id)).toEqual(
    expect.arrayContaining(tokenizer.encode(a.zh[0])),
  );
  expect(words(ids, placesOfKinds({ scene: "other", thing: null, count: 0 }, patchLabels))).toEqual({
    pictureWords: [],
    pointers: [],
  });
});
