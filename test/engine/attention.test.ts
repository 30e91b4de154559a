/** @file The heat map shows the decoder's own attention over the pictures. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadParameters } from "../../src/compile/index.ts";
import type { AttentionMap } from "../../src/engine/index.ts";
import { openCheckpoint } from "../../src/hub/index.ts";
import { parseConfig } from "../../src/model/index.ts";
import type { FlashVL } from "../../src/node/index.ts";
import { withImages } from "../../src/processor/index.ts";
import { directAttention } from "./support/direct-attention.ts";
import { expected, expectedTensors, GOLDEN, type GoldenCase } from "./support/golden.ts";
import { pictureOf, temporaryFolder, tinyModels } from "./support/models.ts";

const open = tinyModels();
const reference = expectedTensors();
const checkpoint = await openCheckpoint(GOLDEN);
const { decoder } = parseConfig(checkpoint.config);
const parameters = await loadParameters(checkpoint, parseConfig(checkpoint.config));
await checkpoint.close();
const weight = (name: string) => parameters.get(name)!.data as Float32Array;
const pictures = expected.cases.filter(({ image }) => image?.endsWith(".png"));
const byName = (name: string): GoldenCase => expected.cases.find((one) => one.name === name)!;
const seedQuestion = byName("seed_question");

/** Weights over the picture, [layers][tokens], from plain loops. `order[i]` is the row of features in slot i. */
function direct(one: GoldenCase, answer: readonly number[], order: readonly number[] = [...Array(16).keys()]) {
  const { hiddenSize } = decoder;
  const features = reference.get(`${one.name}/adapter`)!.data;
  const table = weight("llm.model.embed_tokens.weight");
  const row = (from: Float32Array, at: number) => from.subarray(at * hiddenSize, (at + 1) * hiddenSize);
  const first = one.prompt_ids.findIndex((id) => id < 0);
  const embeds = [...one.prompt_ids, ...answer].map((id, i) =>
    id < 0 ? row(features, order[i - first]!) : row(table, id),
  );
  return directAttention(decoder, weight, embeds).map((map) => map.slice(first, first + 16));
}

const attention = (model: FlashVL, one: GoldenCase, index: number): Promise<AttentionMap> =>
  model.attention(withImages(pictureOf(one), one.messages), one.generated, index);

function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance = 1e-5): void {
  expect(found.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) expect(Math.abs(found[i]! - wanted[i]!)).toBeLessThan(tolerance);
}

it("equals attention computed in plain loops, for every picture, layer, and place in the answer", async () => {
  expect(pictures.length).toBeGreaterThan(1);
  const model = await open();
  for (const one of pictures) {
    for (const index of [0, 5]) {
      const { rows, columns, maps, layers } = await attention(model, one, index);
      const wanted = direct(one, one.generated.slice(0, index));
      expect([rows, columns, maps.length, layers[0]!.length]).toEqual([4, 4, 1, decoder.layers]);
      layers[0]!.forEach((map, layer) => {
        expectClose(map, wanted[layer]!);
      });
      expectClose(
        maps[0]!,
        wanted[0]!.map((_, i) => wanted.reduce((sum, map) => sum + map[i]!, 0) / wanted.length),
      );
      const share = maps[0]!.reduce((sum, value) => sum + value, 0);
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThanOrEqual(1);
    }
  }
});

it("is the same with live weights, in chunks, and beside answers that are being written", async () => {
  const model = await open();
  const wanted = await attention(model, seedQuestion, 3);
  for (const options of [{ weights: "live" as const }, { prefillChunk: 5 }, { maxBatch: 1 }]) {
    const other = await open(options);
    const [found, answer] = await Promise.all([
      attention(other, seedQuestion, 3),
      other.generate(pictureOf(seedQuestion), seedQuestion.messages, { maxNewTokens: 32 }),
    ]);
    expectClose(found.maps[0]!, wanted.maps[0]!);
    expect(answer.tokens).toEqual(seedQuestion.generated);
    await other.dispose();
  }
});

it("uses what the conversation has left in the cache, and leaves it true", async () => {
  const model = await open();
  const ask = () => model.generate(pictureOf(seedQuestion), seedQuestion.messages, { maxNewTokens: 32 });
  await ask();
  const before = model.stats();
  await attention(model, seedQuestion, 20);
  const after = model.stats();
  expect(after.prefixHits - before.prefixHits).toBe(1);
  expect(after.imageHits - before.imageHits).toBe(1);
  expect((await ask()).tokens).toEqual(seedQuestion.generated);
});

it("lays the map out by rows also where the adapter's tokens run down the columns", async () => {
  const folder = temporaryFolder();
  cpSync(GOLDEN, folder, { recursive: true });
  const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, pixel_shuffle: "column-major" }));
  const { FlashVL } = await import("../../src/node/index.ts");
  await using model = await FlashVL.fromPretrained(folder, { cacheDir: folder, threads: 1 });
  const { layers } = await attention(model, seedQuestion, 0);
  const turned = (i: number) => (i % 4) * 4 + Math.floor(i / 4);
  const order = Array.from({ length: 16 }, (_, i) => turned(i));
  direct(seedQuestion, [], order).forEach((map, layer) => {
    expectClose(
      layers[0]![layer]!,
      map.map((_, i) => map[turned(i)]!),
    );
  });
});

it("follows the precision that answers", async () => {
  const wanted = await attention(await open(), seedQuestion, 0);
  for (const kernels of ["standard", undefined] as const) {
    const model = await open({ preset: "int8", kernels });
    expectClose((await attention(model, seedQuestion, 0)).maps[0]!, wanted.maps[0]!, 0.01);
    await model.dispose();
  }
});

it("gives one map per picture, and takes the answer as text", async () => {
  const model = await open();
  const [a, b] = pictures.map((one) => ({ type: "image" as const, image: pictureOf(one)! }));
  const messages = [{ role: "user" as const, content: [a!, b!, { type: "text" as const, text: "Which is cheaper?" }] }];
  const text = "the first";
  const tokens = model.tokenizer.encode(text);
  const byText = await model.attention(messages, text, tokens.length);
  expect(byText.maps).toHaveLength(2);
  expect(byText).toEqual(await model.attention(messages, tokens, tokens.length));
});

it("refuses what there is not: a place, a token, a picture, time", async () => {
  const model = await open();
  const messages = withImages(pictureOf(seedQuestion), seedQuestion.messages);
  await expect(model.attention(messages, [1, 2], 3)).rejects.toThrow(/2 tokens; index must be from 0 to 2, found 3/);
  await expect(model.attention(messages, [9999], 1)).rejects.toThrow(/9999 is not a token/);
  await expect(model.attention(byName("text_only").messages, [1], 0)).rejects.toThrow(/no picture/);
  await expect(model.attention(messages, [1], 0, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  expect(model.stats()).toMatchObject({ running: 0, waiting: 0 });
});
