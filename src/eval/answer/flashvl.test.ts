/** @file What a run with our own model records, so that it is never continued with another precision. */
import { describe, expect, it } from "vitest";
import type { FlashVL, ModelInfo } from "../../node/index.ts";
import { flashvlAnswerer } from "./flashvl.ts";

const settingsWith = (overrides: ModelInfo["overrides"], compiled?: string, choices: ModelInfo["choices"] = {}) => {
  const info = {
    name: "org/model",
    folder: "/models/snapshots/5f0c",
    preset: "int4",
    overrides,
    compiled,
    choices,
    device: "cpu",
    runtime: "onnxruntime 1",
    maxBatch: 4,
  };
  return flashvlAnswerer({ info } as unknown as FlashVL).settings;
};

describe("settings of a run", () => {
  it("name the compiled folder where one was named", () => {
    expect(settingsWith({})).not.toHaveProperty("compiled");
    expect(settingsWith({}, "/cache/compiled/5f0c")).toHaveProperty("compiled", "5f0c");
  });

  it("name what was chosen about tiles", () => {
    expect(settingsWith({}, undefined, { maxTiles: 4 })).toHaveProperty("maxTiles", 4);
    expect(settingsWith({})).not.toHaveProperty("maxTiles");
  });

  it("name the precisions of single layers in their order, and nothing where there are none", () => {
    expect(settingsWith({})).not.toHaveProperty("layers");
    expect(settingsWith({ "llm.*": "int8", "llm.lm_head": "fp32" })).toHaveProperty(
      "layers",
      "llm.*=int8,llm.lm_head=fp32",
    );
    expect(settingsWith({ "llm.lm_head": "fp32", "llm.*": "int8" })).toHaveProperty(
      "layers",
      "llm.lm_head=fp32,llm.*=int8",
    );
  });
});
