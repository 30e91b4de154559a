/** @file Smoothing brings int8 answers nearer to float32 where inputs have outliers, and does no harm where they have none. */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  accuracyModel,
  calibrate,
  compileCheckpoint,
  openAccuracyJudge,
  samplePrompts,
  tensorReader,
} from "../../src/compile/index.ts";
import { type Checkpoint, openCheckpoint, writeSafetensors } from "../../src/hub/index.ts";
import { decoderGraph, parseConfig, visionGraph } from "../../src/model/index.ts";
import { scaledTensors, smoothingGroups } from "../../src/passes/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";
import { GOLDEN } from "./support/golden.ts";
import { temporaryFolder } from "./support/models.ts";

const OUTLIERS = [3, 17];
const SIZE = 60;

const tiny = await openCheckpoint(GOLDEN);
const config = parseConfig(tiny.config);
const plan = { rules: [["*", "w8a8"]], kernels: "standard" } as const;
const groups = [visionGraph(config), decoderGraph(config)].flatMap((graph) => smoothingGroups(graph, [plan]));
const folder = temporaryFolder();
const outlying = await withOutliers();
afterAll(() => Promise.all([tiny.close(), outlying.close()]));
const samples = samplePrompts();
const prompts = [samples[2]!, samples[5]!];
const learned = [samples[0]!, samples[7]!];
const settings = {
  runtime: nativeRuntime(),
  prompts,
  answerTokens: 6,
  session: { threads: 1 },
  kernels: "standard" as const,
};

/** The tiny model as the same function, but two columns of every norm's output are 60 times as large as they were. */
async function withOutliers(): Promise<Checkpoint> {
  const at = join(folder, "outlying");
  await cp(GOLDEN, at, { recursive: true });
  const factors = new Map<string, Float32Array>();
  const columns = (k: number, factor: number) =>
    Float32Array.from({ length: k }, (_, i) => (OUTLIERS.includes(i) ? factor : 1));
  for (const { norm, layers, k } of groups) {
    for (const name of norm) factors.set(name, columns(k, SIZE));
    for (const layer of layers) factors.set(layer.node.attrs.name as string, columns(k, 1 / SIZE));
  }
  const reader = scaledTensors(tensorReader(tiny), factors);
  const tensors = [...tiny.tensors.keys()].map((name) => {
    const { shape, dtype } = reader.info(name) as { shape: number[]; dtype: "F32" | "BF16" };
    const bytes = shape.reduce((product, size) => product * size, dtype === "F32" ? 4 : 2);
    return { name, dtype, shape, bytes: () => reader.readRange(name, 0, bytes) };
  });
  await rm(join(at, "model.safetensors"));
  await writeSafetensors(join(at, "model.safetensors"), tensors);
  return openCheckpoint(at);
}

/** Mean KL of w8a8 from the checkpoint's own float32 answers, on other prompts than those that calibrate. */
async function meanKl(checkpoint: Checkpoint, smooth?: number): Promise<number> {
  const model = await accuracyModel(checkpoint, config);
  const calibration =
    smooth === undefined
      ? undefined
      : await calibrate(checkpoint, model, learned, { ...settings, preset: "w8a8", smooth });
  const judge = await openAccuracyJudge(checkpoint, config, {
    ...settings,
    calibration,
    cacheDir: join(folder, "cache"),
  });
  return (await judge.judge("w8a8", {}, false)).meanKl;
}

describe("smoothing of w8a8", () => {
  it("takes most of the KL divergence away where inputs have outliers, and next to nothing where they have none", async () => {
    const [plain, plainSmoothed] = [await meanKl(tiny), await meanKl(tiny, 0.5)];
    const [harmed, mended] = [await meanKl(outlying), await meanKl(outlying, 0.5)];
    expect(harmed).toBeGreaterThan(50 * plain);
    expect(mended).toBeLessThan(harmed / 50);
    expect(plainSmoothed).toBeLessThan(1.5 * plain);
  });

  it("gives every strength files of its own, and none to presets without int8 layers", async () => {
    const model = await accuracyModel(tiny, config);
    const learn = (preset: "w8a8" | "int4", smooth?: number) =>
      calibrate(tiny, model, learned.slice(1), { ...settings, preset, smooth });
    const calibrations = [await learn("w8a8"), await learn("w8a8", 0.5), await learn("w8a8", 0.8)];
    const folders: string[] = [];
    for (const calibration of calibrations) {
      const options = { preset: "w8a8", kernels: "standard", calibration, cacheDir: join(folder, "own") } as const;
      folders.push((await compileCheckpoint(tiny, config, { ...options, runtime: nativeRuntime() })).folder);
    }
    expect(new Set(folders).size).toBe(3);
    // At int4 the tower is int8, the decoder is not: its norms stay.
    const names = [...(await learn("int4", 0.5)).columns!.keys()];
    expect(names).toContain("vit.encoder.layers.0.layer_norm1.weight");
    expect(names.filter((name) => name.startsWith("llm."))).toEqual([]);
    await expect(learn("w8a8", 1.5)).rejects.toThrow("smooth must be above 0 and at most 1; found 1.5");
  });
});

describe("norms that can be smoothed", () => {
  it("are those that only 8-bit layers read", () => {
    const norms = groups.map(({ norm }) => norm[0]!.replace(/\.weight$/, ""));
    const layers = (name: string) => Array.from({ length: 3 }, (_, i) => name.replace("*", `${i}`));
    expect(norms.sort()).toEqual(
      [
        "adp.p0.0",
        ...layers("llm.model.layers.*.input_layernorm"),
        ...layers("llm.model.layers.*.post_attention_layernorm"),
        ...layers("vit.encoder.layers.*.layer_norm1"),
        ...layers("vit.encoder.layers.*.layer_norm2"),
      ].sort(),
    );
    const mixed = { ...plan, rules: [...plan.rules, ["*.k_proj", "fp32"] as const] };
    const left = smoothingGroups(decoderGraph(config), [plan, mixed]).map(({ norm }) => norm[0]);
    expect(left).toHaveLength(3);
    expect(left).not.toContain("llm.model.layers.0.input_layernorm.weight");
  });
});
