/** @file Stitched tiles: every place of a picture once, frames filled as asked, and models that tile with FlashVL static's parts. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig, planPicture } from "../../src/model/index.ts";
import { FlashVL, type OpenOptions } from "../../src/node/index.ts";
import { makePixels, type PicturePlan, type PreprocessorConfig, type RgbImage } from "../../src/processor/core.ts";
import { runRecipe } from "../../src/train/index.ts";

const tiny = new URL("../../models/flashvl-tiny/", import.meta.url).pathname;
const tinyConfig = JSON.parse(readFileSync(join(tiny, "config.json"), "utf8"));
const tiles = { most: 6, thumbnail: true };
const tiled = (stitching?: object) => {
  const { image_token_num, ...rest } = tinyConfig;
  return { ...rest, model_type: "FlashVLTiledConfig", tiles, ...(stitching && { stitching }) };
};
/** Values as they are. */
const RAW: PreprocessorConfig = { size: 0, resample: "bilinear", rescaleFactor: 1, mean: [0, 0, 0], std: [1, 1, 1] };

function noise(width: number, height: number): RgbImage {
  return { data: Uint8Array.from({ length: 3 * width * height }, (_, at) => (at * 2654435761) >>> 23), width, height };
}

/** The parts of a plan's windows without their frames, put together again: [3, height, width] of the first canvas. */
function stitchedTogether(pixels: Float32Array, { canvases: [canvas] }: Pick<PicturePlan, "canvases">): Float32Array {
  const { width, height, columns, rows, frame } = canvas!;
  const [coreWidth, coreHeight] = [width / columns, height / rows];
  const [w, h] = [coreWidth + 2 * frame, coreHeight + 2 * frame];
  return Float32Array.from({ length: 3 * width * height }, (_, at) => {
    const [x, y, channel] = [at % width, Math.floor(at / width) % height, Math.floor(at / width / height)];
    const tile = Math.floor(y / coreHeight) * columns + Math.floor(x / coreWidth);
    return pixels[((tile * 3 + channel) * h + frame + (y % coreHeight)) * w + frame + (x % coreWidth)]!;
  });
}

describe("stitched tiles", () => {
  const stitchings = fc.record({
    form: fc.constant("stitch"),
    overlap: fc.constantFrom(0, 1 / 16, 1 / 8, 1 / 4),
    frame: fc.constantFrom("neighbour", "edge", "grey"),
    pooling: fc.constantFrom("none", "shuffle"),
  });

  it("show every place of the picture once, whatever the overlap, filling and size", () => {
    const size = fc.integer({ min: 10, max: 90 });
    const small = (stitching: object) => ({
      ...tiled(stitching),
      vision_config: { ...tinyConfig.vision_config, image_size: 64, patch_size: 4 },
    });
    fc.assert(
      fc.property(stitchings, size, size, fc.integer({ min: 1, max: 4 }), (stitching, width, height, maxTiles) => {
        const side = 16 - 32 * stitching.overlap;
        fc.pre(stitching.pooling === "none" || side % 2 === 0);
        const plan = planPicture(parseConfig(small(stitching)), { width, height }, { maxTiles });
        const image = noise(width, height);
        const [canvas] = plan.canvases;
        const whole = { canvases: [{ ...canvas!, columns: 1, rows: 1, frame: 0 }], windows: 1 };
        expect(stitchedTogether(makePixels(image, plan, RAW), plan)).toEqual(makePixels(image, whole, RAW));
        expect(plan.tokens).toBe(plan.windows * (stitching.pooling === "none" ? side : side / 2) ** 2);
        expect(canvas!.width / canvas!.columns + 2 * canvas!.frame).toBe(64);
      }),
      { numRuns: 30 },
    );
  });

  it("have frames of their neighbours, of their own edge, or of the mean colour", () => {
    // One line of four pixels in two tiles, with a frame of one: [frame, core, core, frame] twice.
    const image: RgbImage = { data: Uint8Array.from([1, 2, 3, 4].flatMap((v) => [v, v, v])), width: 4, height: 1 };
    const canvas = { width: 4, height: 1, columns: 2, rows: 1, frame: 1 };
    const mean: PreprocessorConfig = { ...RAW, mean: [2, 2, 2] };
    const lines = (filling: "neighbour" | "edge" | "grey") => {
      const pixels = makePixels(image, { canvases: [{ ...canvas, filling }], windows: 2 }, mean);
      // The middle line of the first channel of each window, [3, 3, 4].
      return [0, 36].map((window) => [...pixels.subarray(window + 4, window + 8)].map((v) => v + 2));
    };
    expect(lines("neighbour")).toEqual([
      [1, 1, 2, 3],
      [2, 3, 4, 4],
    ]);
    expect(lines("edge")).toEqual([
      [1, 1, 2, 2],
      [3, 3, 4, 4],
    ]);
    expect(lines("grey")).toEqual([
      [2, 1, 2, 2],
      [2, 3, 4, 2],
    ]);
  });

  it("are refused where pixel shuffle cannot take their patches two by two, or a key is not known", () => {
    const iss = JSON.parse(readFileSync(new URL("../golden/iss-tiny/config.json", import.meta.url), "utf8"));
    const odd = { ...iss, image_token_num: undefined, stitching: { form: "stitch", pooling: "shuffle" } };
    odd.vision_config = { ...iss.vision_config, image_size: 9 * 14 };
    expect(() => parseConfig(odd)).toThrow(/overlap 0.125 leaves 7 patches .* expected an even number/);
    expect(() => parseConfig(tiled({ form: "stitch", overlap: 0.5 }))).toThrow(/overlap/);
    expect(() => parseConfig(tiled({ form: "stitch", seams: 1 }))).toThrow(/seams/);
  });
});

describe("a tiled model", () => {
  let folder: string;
  const opened: FlashVL[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "flashvl-stitching-"));
  });
  afterAll(async () => {
    await Promise.all(opened.map((model) => model.dispose()));
    rmSync(folder, { recursive: true, force: true });
  });

  /** The shipped weights under another config.json. */
  function checkpoint(name: string, config: object): string {
    const out = mkdtempSync(join(folder, `${name}-`));
    for (const file of readdirSync(tiny)) copyFileSync(join(tiny, file), join(out, file));
    writeFileSync(join(out, "config.json"), JSON.stringify(config));
    return out;
  }
  const open = async (path: string, options: OpenOptions = {}): Promise<FlashVL> => {
    const model = await FlashVL.fromPretrained(path, { cacheDir: folder, ...options });
    opened.push(model);
    return model;
  };
  const board = new URL("../../examples/board.png", import.meta.url).pathname;
  const messages = [{ role: "user" as const, content: "What is in row 1, column 1?" }];

  it("answers as the static one when it sees one tile, and with overlap 0 as over plain tiles", async () => {
    const [fixed, plain, seamless] = await Promise.all([
      open(tiny),
      open(checkpoint("plain", tiled())),
      open(checkpoint("overlap-0", tiled({ form: "stitch", overlap: 0, pooling: "shuffle" }))),
    ]);
    expect(await plain.pictureTokens(board, { maxTiles: 1 })).toEqual(await fixed.pictureTokens(board));
    expect(await seamless.pictureTokens(board)).toEqual(await plain.pictureTokens(board));
    const { usage } = await plain.generate(board, messages, { maxNewTokens: 4 });
    expect(usage.imageTokens).toBe(64 * usage.imageTiles!);
  });

  it("pools a stitched tile's core alone: 36 tokens of 6 by 6, and other precisions see the same", async () => {
    const path = checkpoint("stitched", tiled({ form: "stitch", pooling: "shuffle" }));
    const exact = await open(path);
    const { usage } = await exact.generate(board, messages, { maxNewTokens: 4 });
    expect(usage.imageTokens).toBe(36 * usage.imageTiles!);
    const tokens = await exact.pictureTokens(board);
    const rough = await (await open(path, { preset: "int8" })).pictureTokens(board);
    const largest = tokens.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const error = tokens.reduce((most, v, i) => Math.max(most, Math.abs(v - rough[i]!)), 0);
    expect(error / largest).toBeLessThan(0.05);
  });

  it("is trained with tiles, and what training writes opens with the same stitching", async () => {
    const base = checkpoint("base", tiled({ form: "stitch", frame: "edge", pooling: "shuffle" }));
    const recipe = join(folder, "recipe.yaml");
    writeFileSync(
      recipe,
      `stage: sft\nmodel: ${base}\nsteps: 2\ndata: { file: ${new URL("../../examples/train/sft.jsonl", import.meta.url).pathname} }\nbatch: { images: 8, rows: 2, length: 640, labels: 64 }\ntrain: [adapter, decoder]\noptimizer: { learningRate: 0.001, schedule: { kind: constant } }\nsaveEvery: 2\n`,
    );
    const { last } = await runRecipe(recipe, { run: join(folder, "run"), print: () => {} });
    const model = await open(last);
    expect(model.config.family).toBe("flashvl-tiled");
    expect(model.config.connector.stitching).toEqual({
      form: "stitch",
      overlap: 1 / 8,
      frame: "edge",
      pooling: "shuffle",
    });
    expect((await model.generate(board, messages, { maxNewTokens: 4 })).usage.imageTiles).toBeGreaterThan(1);
  });
});
