/** @file Every preset opens the tiny checkpoint and answers, with both kinds of kernels, alone as in a batch. */
import { describe, expect, it } from "vitest";
import { PRESET_NAMES, type Preset, type PresetOptions, presetGraphs } from "../../src/compile/index.ts";
import { ExternalData, serialize } from "../../src/graph/index.ts";
import { openCheckpoint } from "../../src/hub/index.ts";
import { parseConfig } from "../../src/model/index.ts";
import type { Kernels } from "../../src/passes/index.ts";
import { kernelLibraryPath } from "../../src/runtime/ort/index.ts";
import { expected, GOLDEN } from "./support/golden.ts";
import { pictureOf, tinyModels } from "./support/models.ts";

const open = tinyModels();
const kernelSets: Kernels[] = kernelLibraryPath() ? ["standard", "native"] : ["standard"];
const config = parseConfig((await openCheckpoint(GOLDEN)).config);
const options = { maxNewTokens: 8 };

describe.each(kernelSets)("on %s kernels", (kernels) => {
  it.each(PRESET_NAMES)("%s answers every reference case the same in a batch as alone", async (preset) => {
    const model = await open({ preset, kernels, maxBatch: 3 });
    const requests = expected.cases.map((one) => ({ image: pictureOf(one), messages: one.messages, options }));
    const together = await model.generateMany(requests);
    const fresh = await open({ preset, kernels, maxBatch: 1 });
    for (const [i, one] of requests.entries()) {
      const alone = await fresh.generate(one.image, one.messages, options);
      expect(alone.tokens).toEqual(together[i]!.tokens);
    }
  });

  it("fp16 answers with single layers at fewer bits", async () => {
    const overrides = { "llm.*.down_proj": "int8", "llm.*.q_proj": "int4", "vit.*.fc1": "int8" } as const;
    const model = await open({ preset: "fp16", kernels, overrides });
    const [one] = expected.cases;
    const { tokens } = await model.generate(pictureOf(one!), one!.messages, options);
    expect(tokens.slice(0, 1)).toEqual(one!.generated.slice(0, 1));
  });

  it("eight bits keep the tiny model's first tokens", async () => {
    for (const preset of ["int8", "w8a8"] as const) {
      const model = await open({ preset, kernels });
      let same = 0;
      for (const one of expected.cases) {
        const { tokens } = await model.generate(pictureOf(one), one.messages, { maxNewTokens: 1 });
        if (tokens[0] === one.generated[0]) same++;
      }
      expect(same).toBeGreaterThanOrEqual(expected.cases.length - 1);
    }
  });
});

describe("presets", () => {
  const bytes = (preset: (typeof PRESET_NAMES)[number], overrides = {}): number => {
    const { vision, prefill, decode } = presetGraphs(preset, config, { kernels: "standard", overrides });
    const data = new ExternalData("weights.data");
    for (const graph of new Set([vision, prefill, decode])) serialize(graph, data);
    // Rotary tables are float32 in every preset, and large beside this tiny model.
    const weights = [...data.places].filter(([name]) => !name.startsWith("rope."));
    return weights.reduce((sum, [, place]) => sum + place.bytes, 0);
  };

  it("take fewer bytes the fewer bits they have", () => {
    expect(bytes("int4")).toBeLessThan(bytes("int8"));
    expect(bytes("int8")).toBeLessThan(bytes("fp32") / 2);
  });

  it("give single layers another precision where an override says so", () => {
    const wide = bytes("int4", { "llm.*.down_proj": "fp32" });
    expect(wide).toBeGreaterThan(bytes("int4"));
    expect(bytes("int4", { "llm.*.down_proj": "fp32", "llm.model.*": "int4" })).toBe(bytes("int4"));
    // A fused product is taken apart where its parts differ.
    expect(bytes("int4", { "llm.*.v_proj": "int8" })).toBeGreaterThan(bytes("int4"));
  });

  it("refuse precisions and layers that do not exist", () => {
    expect(() => bytes("int4", { "llm.*": "int3" })).toThrow(/no precision "int3".*expected fp32, int8/);
    expect(() => bytes("int4", { "lm.*": "int8" })).toThrow(/"lm\.\*" fits no layer/);
    expect(() => bytes("fp16", { "llm.*": "w8a8" })).toThrow(/w8a8 \(layers "llm\.\*"\).*CPU only; use int8 in/);
  });

  it("share the prompt's and the answer's graph where the kernels allow", () => {
    const native = presetGraphs("auto", config, { kernels: "native" });
    expect(native.prefill).toBe(native.decode);
    const standard = presetGraphs("auto", config, { kernels: "standard" });
    expect(standard.prefill).not.toBe(standard.decode);
  });

  it("keep the cache in float16 where the native attention reads it, unless told otherwise", () => {
    const type = (preset: Preset, options: PresetOptions) =>
      presetGraphs(preset, config, options).decode["present.0.key"]!.dtype;
    expect(type("auto", { kernels: "native" })).toBe("float16");
    expect(type("auto", { kernels: "native", cache: "float32" })).toBe("float32");
    expect(type("auto", { kernels: "standard" })).toBe("float32");
    expect(type("fp32", { kernels: "native" })).toBe("float32");
  });

  it("are not for weights that change", async () => {
    await expect(open({ preset: "int4", weights: "live" })).rejects.toThrow(/Live weights are float32/);
  });
});
