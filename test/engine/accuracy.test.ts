/** @file The accuracy report sees what it should: nothing in float32, more error with fewer bits, and budgets are met. */
import { afterAll, describe, expect, it } from "vitest";
import { errorProbe } from "../../src/compile/accuracy/layer-errors.ts";
import { accuracyModel, calibrate, meetBudget, openAccuracyJudge, samplePrompts } from "../../src/compile/index.ts";
import { openCheckpoint } from "../../src/hub/index.ts";
import { decoderGraph, parseConfig } from "../../src/model/index.ts";
import { kernelLibraryPath, nativeRuntime } from "../../src/runtime/ort/index.ts";
import { GOLDEN } from "./support/golden.ts";
import { temporaryFolder } from "./support/models.ts";

const checkpoint = await openCheckpoint(GOLDEN);
afterAll(() => checkpoint.close());
const config = parseConfig(checkpoint.config);
// One question about a picture, one without.
const prompts = [samplePrompts()[2]!, samplePrompts()[5]!];
const cacheDir = temporaryFolder();
const runtime = nativeRuntime();
const judge = await openAccuracyJudge(checkpoint, config, {
  runtime,
  prompts,
  answerTokens: 6,
  cacheDir,
  session: { threads: 1 },
  kernels: "standard",
});

describe("the accuracy report", () => {
  it("finds nothing in float32 itself", async () => {
    const same = await judge.judge("fp32");
    expect(same).toMatchObject({ meanKl: 0, top1: 1, greedyTokens: 6, layers: [] });
  });

  it("finds more with fewer bits, and names every layer with its own error, the worst first", async () => {
    const eight = await judge.judge("int8");
    const four = await judge.judge("int4");
    expect(eight.meanKl).toBeGreaterThan(0);
    expect(four.meanKl).toBeGreaterThan(10 * eight.meanKl);
    const errors = four.layers.map(({ error }) => error);
    expect(errors).toEqual([...errors].sort((a, b) => b - a));
    // 3 layers of 7 in the decoder and its head, 3 of 6 in the tower, 3 in the adapter.
    expect(four.layers).toHaveLength(3 * 7 + 1 + 3 * 6 + 3);
    const of = (layer: string) => four.layers.find((one) => one.layer === layer)!.error;
    const schemes = (kind: RegExp) => new Set(four.layers.flatMap((one) => (kind.test(one.layer) ? [one.scheme] : [])));
    expect([...schemes(/^llm/)]).toEqual(["int4"]);
    expect([...schemes(/^(vit|adp)/)]).toEqual(["int8"]);
    expect(of("llm.model.layers.1.mlp.up_proj")).toBeGreaterThan(0.05);
    expect(of("vit.encoder.layers.1.mlp.fc1")).toBeLessThan(0.02);
  });

  it("raises layers until the budget holds", async () => {
    const rounds: number[] = [];
    const plain = await judge.judge("int4", {}, false);
    const budget = plain.meanKl / 20;
    const fitted = await meetBudget(judge, "int4", budget, {}, ({ meanKl }) => rounds.push(meanKl));
    expect(fitted.accuracy.meanKl).toBeLessThanOrEqual(budget);
    expect(rounds.length).toBeGreaterThan(1);
    expect(rounds.at(-1)).toBeLessThan(rounds[0]!);
    expect(Object.keys(fitted.overrides).length).toBeGreaterThan(0);
    await expect(meetBudget(judge, "int4", 0)).rejects.toThrow(/above 0; found 0/);
  });

  it("calibration brings answers at 4 bits nearer to float32, with the same bytes", async () => {
    const model = await accuracyModel(checkpoint, config);
    const options = {
      runtime,
      prompts,
      answerTokens: 6,
      cacheDir,
      session: { threads: 1 },
      kernels: "standard" as const,
    };
    const calibration = await calibrate(checkpoint, model, prompts, { preset: "int4", ...options });
    // Every 4-bit layer is narrow enough here: 3 of 7 and the head.
    expect(calibration.factors.size).toBe(3 * 7 + 1);
    const fed = await openAccuracyJudge(checkpoint, config, { ...options, calibration });
    const [plain, better] = [await judge.judge("int4", {}, false), await fed.judge("int4", {}, false)];
    expect(better.meanKl).toBeLessThan(0.8 * plain.meanKl);
  });

  it.skipIf(!kernelLibraryPath())("sees that keys and values in float16 cost next to nothing", async () => {
    // All weights in float32: rounded activations would turn any other last bit into a far larger difference.
    const overrides = { "vit.*": "fp32", "adp.*": "fp32", "llm.*": "fp32" } as const;
    const kl = { float32: 0, float16: 0 };
    for (const cache of ["float32", "float16"] as const) {
      const options = {
        runtime,
        prompts,
        answerTokens: 6,
        cacheDir,
        session: { threads: 1 },
        kernels: "native",
        cache,
      } as const;
      const native = await openAccuracyJudge(checkpoint, config, options);
      kl[cache] = (await native.judge("int8", overrides, false)).meanKl;
    }
    expect(kl.float16).not.toBe(kl.float32);
    expect(Math.abs(kl.float16 - kl.float32)).toBeLessThan(1e-6);
  });

  it("gives every layer exact inputs: the probe keeps the float32 graph and adds to it", () => {
    const graph = decoderGraph(config);
    const probe = errorProbe(graph, { rules: [["llm.*", "int4"]], kernels: "standard" });
    expect(probe.graph.logits).toBe(graph.logits);
    expect(probe.layers).toContain("llm.lm_head");
  });
});
