/** @file Decoders of the other families at 8 and 4 bits, and the graphs that GPUs take, hold what float32 says. */
import { afterAll, describe, expect, it } from "vitest";
import {
  compileCheckpoint,
  openAccuracyJudge,
  openModelCheckpoint,
  presetGraphs,
  readCheckpoint,
} from "../../src/compile/index.ts";
import { VisionEncoder } from "../../src/engine/run/index.ts";
import { topologicalOrder } from "../../src/graph/index.ts";
import { planPicture } from "../../src/model/index.ts";
import { loadImage, makePixels } from "../../src/processor/index.ts";
import { kernelLibraryPath, nativeRuntime } from "../../src/runtime/ort/index.ts";
import { expectedTensors, familyExpected, familyFolder, relativeError } from "./support/golden.ts";
import { temporaryFolder } from "./support/models.ts";

const FAMILIES = ["internvl3-tiny", "internvl3_5-tiny", "dynamic-tiny", "iss-tiny"];
const choices = (name: string) => (name === "iss-tiny" ? { iss: "trim" as const } : {});
const runtime = nativeRuntime();

/** Mean divergence in nats per token that these tiny models of random weights stay below; a wrong graph is above 1. */
const MOST_KL = { int8: 0.003, int4: 0.3 } as const;
const ANSWER = 6;

describe.each(FAMILIES)("%s", (name) => {
  const folder = familyFolder(name);
  const one = familyExpected(name).cases.find(({ images, iss }) => images.length === 1 && (iss ?? "trim") === "trim")!;
  const picture = `${folder}images/${one.images[0]}`;
  const cacheDir = temporaryFolder();
  const opened = openModelCheckpoint(folder, choices(name));
  afterAll(async () => (await opened).checkpoint.close());

  const kernels = kernelLibraryPath() ? (["native", "standard"] as const) : (["standard"] as const);
  it.each(kernels)(
    "answers about a picture in tiles at 8 and 4 bits as far from float32 as the report says, by %s kernels",
    async (own) => {
      const { checkpoint, config } = await opened;
      const prompts = [{ image: picture, messages: one.messages }];
      const options = { runtime, prompts, cacheDir, kernels: own, answerTokens: ANSWER, session: { threads: 1 } };
      const judge = await openAccuracyJudge(checkpoint, config, options);
      expect(await judge.judge("fp32", {}, false)).toMatchObject({ meanKl: 0, top1: 1, greedyTokens: ANSWER });
      const eight = await judge.judge("int8", {}, false);
      const four = await judge.judge("int4", {}, false);
      expect(eight.meanKl).toBeGreaterThan(0);
      expect(eight.meanKl).toBeLessThan(MOST_KL.int8);
      expect(four.meanKl).toBeGreaterThan(eight.meanKl);
      expect(four.meanKl).toBeLessThan(MOST_KL.int4);
    },
  );

  it.each(["fp32", "fp16", "int8", "int4", "auto"] as const)(
    "has in %s for GPUs none of the CPU's own kernels",
    async (preset) => {
      const { config } = await opened;
      const graphs = presetGraphs(preset, config, { device: "webgpu", activations: "float16" });
      for (const graph of [graphs.vision, graphs.decode]) {
        const ops = new Set(topologicalOrder(Object.values(graph)).map(({ op }) => op.name));
        for (const op of ["Linear", "BlockwiseMatMul", "Int8Linear", "CachedAttention"]) expect(ops).not.toContain(op);
      }
      expect(graphs.decode.logits!.shape).toEqual(presetGraphs("fp32", config).decode.logits!.shape);
      expect(graphs.vision.features!.shape).toEqual(presetGraphs("fp32", config).vision.features!.shape);
    },
  );

  it("sees by the tower's form for GPUs, computed on the CPU, what PyTorch sees", async () => {
    const { checkpoint, config } = await opened;
    const { preprocessor } = await readCheckpoint(checkpoint, config);
    const compiled = await compileCheckpoint(checkpoint, config, {
      preset: "fp32",
      device: "webgpu",
      runtime,
      cacheDir,
    });
    const session = await runtime.createSession(`${compiled.folder}/vision.onnx`, { threads: 1 });
    const encoder = new VisionEncoder(config, session, 0);
    const image = await loadImage(picture);
    const plan = planPicture(config, image, { maxTiles: one.max_tiles, thumbnail: one.thumbnail });
    const { features } = await encoder.encode("picture", plan, () => makePixels(image, plan, preprocessor));
    await encoder.dispose(new Error("done"));
    expect(relativeError(features, expectedTensors(folder).get(`${one.name}/features0`)!.data)).toBeLessThan(1e-4);
  });
});
