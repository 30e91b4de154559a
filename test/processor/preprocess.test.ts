// How preprocessor_config.json is read, and what pixels become.
import { describe, expect, test } from "vitest";
import {
  type PreprocessorConfig,
  preprocessImage,
  readPreprocessorConfig,
  resizeImage,
} from "../../src/processor/index.ts";
import { readJson, STATIC_TINY } from "./golden.ts";
import { noise } from "./noise.ts";

const published = readJson<Record<string, unknown>>(new URL("preprocessor_config.json", STATIC_TINY));

describe("preprocessor_config.json", () => {
  test("as the published checkpoints have it", () => {
    expect(readPreprocessorConfig(published)).toEqual({
      size: 128,
      resample: "bilinear",
      rescaleFactor: 1 / 255,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    });
  });

  test.each<[string, object, Partial<PreprocessorConfig>]>([
    ["a size as one number", { size: 384 }, { size: 384 }],
    ["another filter", { resample: 3 }, { resample: "bicubic" }],
    ["no normalising", { do_normalize: false }, { mean: [0, 0, 0], std: [1, 1, 1] }],
    ["no rescaling", { do_rescale: false }, { rescaleFactor: 1 }],
    [
      "nothing but the size",
      { resample: undefined, image_mean: undefined, do_resize: undefined },
      { resample: "bilinear" },
    ],
    ["keys that say nothing here", { feature_extractor_type: "x", do_center_crop: false }, {}],
  ])("with %s", (_, change, expected) => {
    const config = readPreprocessorConfig(JSON.parse(JSON.stringify({ ...published, ...change })));
    expect(config).toMatchObject(expected);
  });

  test.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /\(the file\)/],
    ["no size", { ...published, size: undefined }, /size: expected a number or \{ height, width \}/],
    ["an edge instead of a size", { ...published, size: { shortest_edge: 224 } }, /size: expected/],
    ["a size of zero", { ...published, size: 0 }, /size: Too small/],
    ["an oblong size", { ...published, size: { height: 2, width: 3 } }, /size is 3×2, expected a square/],
    ["an unknown filter", { ...published, resample: 4 }, /resample is 4, expected 0 \(nearest\)/],
    ["no resizing", { ...published, do_resize: false }, /do_resize is false/],
    ["cropping", { ...published, do_center_crop: true }, /do_center_crop is true, which is not supported/],
    ["padding", { ...published, do_pad: true }, /do_pad is true/],
    ["a deviation of zero", { ...published, image_std: [0.5, 0, 0.5] }, /image_std\.1/],
    ["two means", { ...published, image_mean: [0.5, 0.5] }, /image_mean/],
    ["two faults at once", { ...published, do_pad: true, resample: 9 }, /do_pad.*; resample is 9/],
  ])("with %s is refused", (_, json, message) => expect(() => readPreprocessorConfig(json)).toThrow(message));
});

describe("preprocessImage", () => {
  const config = readPreprocessorConfig({ ...published, size: 2 });

  test("puts channel after channel, each value (v / 255 - mean) / std in float32", () => {
    const data = Uint8Array.from([0, 1, 2, 50, 51, 52, 100, 101, 102, 253, 254, 255]);
    const uneven = { ...config, mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] } as PreprocessorConfig;
    const value = (v: number, channel: number) =>
      Math.fround(
        Math.fround(Math.fround(v / 255) - Math.fround(uneven.mean[channel]!)) / Math.fround(uneven.std[channel]!),
      );
    const expected = [0, 1, 2].flatMap((channel) =>
      [0, 1, 2, 3].map((pixel) => value(data[pixel * 3 + channel]!, channel)),
    );
    expect([...preprocessImage({ data, width: 2, height: 2 }, uneven)]).toEqual(expected);
  });

  test("multiplying by the file's 1/255 gives the float32 that dividing by 255 gives", () => {
    const data = Uint8Array.from({ length: 256 * 3 }, (_, i) => i / 3);
    const plain: PreprocessorConfig = {
      size: 16,
      resample: "bilinear",
      rescaleFactor: 1 / 255,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    };
    const pixels = preprocessImage({ data, width: 16, height: 16 }, plain);
    expect([...pixels.subarray(0, 256)]).toEqual(Array.from({ length: 256 }, (_, v) => Math.fround(v / 255)));
  });

  test("does not change its input", () => {
    const data = noise(7 * 5 * 3);
    const copy = data.slice();
    preprocessImage({ data, width: 7, height: 5 }, config);
    resizeImage({ data, width: 7, height: 5 }, 7, 3);
    expect(data).toEqual(copy);
  });

  test("refuses data that does not fit its size", () => {
    expect(() => preprocessImage({ data: new Uint8Array(11), width: 2, height: 2 }, config)).toThrow(
      "The image is 2×2 but has 11 bytes; RGB needs 12.",
    );
  });
});

test.each([0, -1, 1.5, Number.NaN])("resizing to %d pixels is refused", (size) => {
  const image = { data: new Uint8Array(3), width: 1, height: 1 };
  expect(() => resizeImage(image, size, 1)).toThrow(`width is ${size}`);
  expect(() => resizeImage(image, 1, size)).toThrow(`height is ${size}`);
});
