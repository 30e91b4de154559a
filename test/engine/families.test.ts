/** @file The other families answer as PyTorch does: plans, pixels, features and tokens of every reference case. */
import { afterAll, describe, expect, it } from "vitest";
import { openModelCheckpoint, presetGraphs, readCheckpoint } from "../../src/compile/index.ts";
import { topologicalOrder } from "../../src/graph/index.ts";
import { planPicture, tileGrid } from "../../src/model/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { loadImage, makePixels } from "../../src/processor/index.ts";
import { kernelLibraryPath } from "../../src/runtime/ort/index.ts";
import { expectedTensors, familyExpected, familyFolder, relativeError, type TiledCase } from "./support/golden.ts";
import { temporaryFolder } from "./support/models.ts";

const FAMILIES = ["internvl3-tiny", "internvl3-hf-tiny", "internvl3_5-tiny", "dynamic-tiny", "iss-tiny"];
const FEATURES = 1e-4;

/** Largest error of features at 8 bits per weight, relative to the largest number. */
const AT_8_BITS = 0.05;

describe.each(["internvl3-tiny", "internvl3_5-tiny", "dynamic-tiny"])("%s with fewer bits", (name) => {
  const folder = familyFolder(name);
  const tensors = expectedTensors(folder);
  const cacheDir = temporaryFolder();
  const kernels = kernelLibraryPath() ? (["native", "standard"] as const) : (["standard"] as const);

  it.each(kernels)("sees with %s kernels what float32 sees, and answers", async (kernels) => {
    for (const preset of ["w8a8", "auto"] as const) {
      await using model = await FlashVL.fromPretrained(folder, { cacheDir, preset, kernels });
      const picture = `${folder}images/wide.png`;
      const features = await model.pictureTokens(picture);
      expect(relativeError(features, tensors.get("wide/features0")!.data), preset).toBeLessThan(AT_8_BITS);
      const { tokens } = await model.generate(picture, [{ role: "user", content: "How much?" }], { maxNewTokens: 4 });
      expect(tokens.length).toBeGreaterThan(0);
    }
  });

  it("leaves no step of the tower outside the native products and attention", async () => {
    const { config, checkpoint } = await openModelCheckpoint(folder);
    await checkpoint.close();
    const { vision } = presetGraphs("auto", config, { kernels: "native" });
    const left = topologicalOrder(Object.values(vision)).map(({ op }) => op.name);
    expect(left).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(Mul|Gelu|Silu|MultiHeadAttention)$/)]));
    expect(left.filter((op) => op === "Linear")).toHaveLength(1); // the patches
  });
});

describe.each(FAMILIES)("%s", (name) => {
  const folder = familyFolder(name);
  const expected = familyExpected(name);
  const tensors = expectedTensors(folder);
  const cacheDir = temporaryFolder();
  const open = new Map<string, Promise<FlashVL>>();
  const modelFor = ({ iss }: TiledCase): Promise<FlashVL> => {
    const key = iss ?? "";
    if (!open.has(key)) open.set(key, FlashVL.fromPretrained(folder, { cacheDir, iss }));
    return open.get(key)!;
  };
  afterAll(async () => {
    for (const model of open.values()) await (await model).dispose();
  });

  const paths = ({ images }: TiledCase) => images.map((image) => `${folder}images/${image}`);
  const limits = ({ max_tiles, thumbnail }: TiledCase) => ({ maxTiles: max_tiles, thumbnail });

  it("plans tiles by InternVL's rule", () => {
    for (const { tile, width, height, min, max, columns, rows } of expected.tile_plans)
      expect(tileGrid({ width, height }, tile, min, max)).toEqual({ columns, rows });
  });

  it.each(expected.cases)("answers $name token for token", async (one) => {
    const model = await modelFor(one);
    const options = { ...limits(one), maxNewTokens: one.generated.length };
    const { tokens, text, usage } = await model.generate(paths(one), one.messages, options);
    expect(tokens).toEqual(one.generated);
    expect(text).toBe(one.text);
    expect(usage.promptTokens).toBe(one.prompt_ids.length);
    expect(usage.imageTokens).toBe(one.prompt_ids.filter((id) => id < 0).length);
  });

  it.each(expected.cases.filter(({ images }) => images.length > 0))(
    "sees $name as the tower of the reference",
    async (one) => {
      const model = await modelFor(one);
      for (const [i, path] of paths(one).entries()) {
        const found = await model.pictureTokens(path, limits(one));
        expect(relativeError(found, tensors.get(`${one.name}/features${i}`)!.data)).toBeLessThan(FEATURES);
      }
    },
  );

  const seen = expected.cases.find(({ images }) => images.length > 0);
  it.runIf(seen).each(["standard", "native"] as const)(
    "sees nearly the same at 8 bits, by %s kernels",
    async (kernels) => {
      if (kernels === "native" && !kernelLibraryPath()) return;
      const { iss } = seen!;
      await using model = await FlashVL.fromPretrained(folder, { cacheDir, iss, preset: "int8", kernels });
      const found = await model.pictureTokens(paths(seen!)[0]!, limits(seen!));
      const error = relativeError(found, tensors.get(`${seen!.name}/features0`)!.data);
      expect(error).toBeGreaterThan(FEATURES);
      // 0.01 to 0.05 in these tiny towers; a wrong form of the graph is off by about 1.
      expect(error).toBeLessThan(0.06);
    },
  );

  it("makes Pillow's pixels", async () => {
    for (const one of expected.cases) {
      const wanted = tensors.get(`${one.name}/pixels0`);
      if (!wanted) continue;
      const { checkpoint, config } = await openModelCheckpoint(folder, { iss: one.iss });
      const { preprocessor } = await readCheckpoint(checkpoint, config).finally(() => checkpoint.close());
      const image = await loadImage(paths(one)[0]!);
      const plan = planPicture(config, image, limits(one));
      expect(plan.windows).toBe(wanted.shape[0]);
      const found = makePixels(image, plan, preprocessor);
      const level = 1 / 255 / Math.min(...preprocessor.std);
      const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted.data[i]!)), 0);
      expect(worst).toBeLessThan(1.01 * level);
    }
  });
});

describe("limits of a picture", () => {
  const folder = familyFolder("internvl3-tiny");
  const cacheDir = temporaryFolder();
  const wide = `${folder}images/wide.png`;
  const ask = { type: "text" as const, text: "How much?" };

  it("are those of the picture within those of the request within those that the model was opened with", async () => {
    await using model = await FlashVL.fromPretrained(folder, { cacheDir, maxTiles: 3 });
    const tilesOf = async (part: { maxTiles?: number }, options: { maxTiles?: number; thumbnail?: boolean }) => {
      const content = [{ type: "image" as const, image: wide, ...part }, ask];
      const { usage } = await model.generate(null, [{ role: "user", content }], { ...options, maxNewTokens: 1 });
      expect(usage.imageTokens).toBe(16 * usage.imageTiles!);
      return usage.imageTiles;
    };
    expect(await tilesOf({}, {})).toBe(4); // three tiles and the thumbnail
    expect(await tilesOf({}, { thumbnail: false })).toBe(3);
    expect(await tilesOf({}, { maxTiles: 2 })).toBe(3);
    expect(await tilesOf({ maxTiles: 1 }, {})).toBe(1);
    expect(await tilesOf({ maxTiles: 3 }, { maxTiles: 2 })).toBe(3);
    await expect(tilesOf({}, { maxTiles: 0 })).rejects.toThrow("maxTiles must be a whole number from 1 to 256");
  });

  it("are told in the usage, and are part of what the cache of features knows", async () => {
    await using model = await FlashVL.fromPretrained(folder, { cacheDir });
    const use = async (maxTiles: number) =>
      (await model.generate(wide, [{ role: "user", content: "How much?" }], { maxTiles, maxNewTokens: 2 })).usage;
    expect(await use(6)).toMatchObject({ imageTokens: 64, imageTiles: 4 });
    expect(await use(1)).toMatchObject({ imageTokens: 16, imageTiles: 1 });
    expect(model.stats()).toMatchObject({ imageQueries: 2, imageHits: 0 });
    await use(6);
    expect(model.stats().imageHits).toBe(1);
  });

  it("keep a conversation within the context, or say what to lower", async () => {
    await using model = await FlashVL.fromPretrained(folder, { cacheDir, maxContext: 136 });
    const messages = [{ role: "user" as const, content: "How much?" }];
    await expect(model.chat(wide, messages, { maxNewTokens: 64 })).rejects.toThrow(/1 pictures of 64.*lower maxTiles/);
    await model.chat(wide, messages, { maxTiles: 1, maxNewTokens: 4 });
  });

  it("maps of attention put the tiles together and show the thumbnail beside them", async () => {
    await using model = await FlashVL.fromPretrained(folder, { cacheDir });
    const messages = [{ role: "user" as const, content: [{ type: "image" as const, image: wide }, ask] }];
    const { tokens } = await model.generate(null, messages, { maxNewTokens: 2 });
    const { maps, grids, rows, columns } = await model.attention(messages, tokens, 1);
    expect(grids).toEqual([
      { rows: 4, columns: 12, picture: 0, thumbnail: false },
      { rows: 4, columns: 4, picture: 0, thumbnail: true },
    ]);
    expect([rows, columns, maps[0]!.length, maps[1]!.length]).toEqual([4, 12, 48, 16]);
    const share = [...maps[0]!, ...maps[1]!].reduce((sum, weight) => sum + weight, 0);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
  });
});

it("a model with stitching explains the choice where none is made", async () => {
  await expect(FlashVL.fromPretrained(familyFolder("iss-tiny"))).rejects.toThrow(/stitch:.*trim:.*bilinear:.*native:/s);
  await expect(FlashVL.fromPretrained(familyFolder("iss-tiny"), { iss: "native" })).rejects.toThrow(
    'image_token_num is 36, but the picture and patch size give 64 with iss "native"',
  );
});

it("positions stretched beyond the trained length are accepted up to that length, and not beyond it", async () => {
  const folder = familyFolder("internvl3-tiny");
  await expect(FlashVL.fromPretrained(folder, { maxContext: 8193 })).rejects.toThrow("from 2 to 8192");
});
