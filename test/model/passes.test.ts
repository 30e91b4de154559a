/** @file Passes over the model's graphs: recomputation, LoRA, and training ops against the fused kernels. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import * as g from "../../src/graph/index.ts";
import {
  fusedAttend,
  type LoraConfig,
  listParameters,
  loraParameters,
  mergeLora,
  Parameters,
  parseConfig,
  primitiveTowerAttend,
  tower,
  withLora,
} from "../../src/model/index.ts";
import { evaluate, relativeError } from "../train/evaluate.ts";
import { DEPTH, deepMlp, runDeepMlp } from "./deep-mlp.ts";

const config = parseConfig({
  vision_config: {
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    image_size: 32,
    patch_size: 8,
  },
  llm_config: {
    vocab_size: 40,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 64,
  },
  intermediate_size: 24,
});

/** Numbers that look random and are always the same. */
const numbers = (count: number, scale: number, phase: number) =>
  Float32Array.from({ length: count }, (_, i) => scale * Math.sin(12.9898 * (i + 1) + phase));
const weights = (): Record<string, Float32Array> =>
  Object.fromEntries(
    listParameters(config).map(({ name, shape }, i) => [
      name,
      numbers(
        shape.reduce((n, d) => n * d, 1),
        0.3,
        i,
      ),
    ]),
  );

test("the tower in primitive ops equals the tower with the fused kernel", async () => {
  const run = async (attend: typeof fusedAttend) => {
    const pixels = g.input("pixels", "float32", [2, 3, 32, 32]);
    const seen = tower(new Parameters(config), config, pixels, attend(config.vision));
    return (await evaluate({ seen }, { ...weights(), pixels: numbers(2 * 3 * 32 * 32, 1, 0.5) })).seen!;
  };
  const [fused, primitive] = [await run(fusedAttend), await run(primitiveTowerAttend)];
  expect(fused.length).toBe(2 * 16 * 16);
  expect(relativeError(primitive, fused)).toBeLessThan(1e-5);
});

const LORA: LoraConfig = { rank: 2, alpha: 6, targetModules: ["q_proj", "fc1"] };

test("a model with an adapter equals the model with the adapter merged", async () => {
  const adapters = loraParameters(listParameters(config), LORA, (p) => p.part === "tower");
  expect(adapters.map((p) => p.name)).toContain("vit.encoder.layers.1.mlp.fc1.lora_B.weight");
  const given = weights();
  for (const [i, { name, shape }] of adapters.entries()) given[name] = numbers(shape[0]! * shape[1]!, 0.2, 100 + i);
  const pixels = g.input("pixels", "float32", [1, 3, 32, 32]);
  const seen = tower(new Parameters(config), config, pixels, primitiveTowerAttend(config.vision));
  const [adapted] = withLora([seen], LORA, new Set(adapters.map((p) => p.name)));
  const picture = numbers(3 * 32 * 32, 1, 0.5);
  const found = await evaluate({ seen, adapted: adapted! }, { ...given, pixels: picture });
  expect(relativeError(found.seen!, found.adapted!)).toBeGreaterThan(0.01);

  for (const { name } of adapters.filter((p) => p.name.endsWith("lora_A.weight"))) {
    const layer = name.replace(/\.lora_A\.weight$/, "");
    mergeLora(given[`${layer}.weight`]!, given[name]!, given[`${layer}.lora_B.weight`]!, LORA);
  }
  const merged = await evaluate({ seen }, { ...given, pixels: picture });
  expect(relativeError(merged.seen!, found.adapted!)).toBeLessThan(1e-5);
});

test("a LoRA without a layer of its names is refused", () => {
  expect(() => loraParameters(listParameters(config), { ...LORA, targetModules: ["query"] })).toThrow(
    "no layer is named query",
  );
});

test("recomputation changes no bit of a value, and makes forward values a second time", async () => {
  const [plain, again] = [await runDeepMlp(64, false), await runDeepMlp(64, true)];
  plain.forEach((values, i) => {
    expect(Buffer.from(values.buffer).equals(Buffer.from(again[i]!.buffer))).toBe(true);
  });
  const count = (op: string, recomputed: boolean) =>
    g.topologicalOrder(Object.values(deepMlp(64, recomputed))).filter((node) => node.op.name === op).length;
  expect([count("Sigmoid", false), count("Sigmoid", true)]).toEqual([DEPTH, 2 * DEPTH]);
  // The first layer reads an input of the graph, which needs no barrier.
  expect([count("Barrier", false), count("Barrier", true)]).toEqual([0, DEPTH - 1]);
});

/** KiB that the gradients of the deep MLP take, measured in a process of their own. */
async function memoryOf(again: boolean): Promise<number> {
  const script = fileURLToPath(new URL("./deep-mlp.ts", import.meta.url));
  const args = ["--import", "tsx", script, "4096", again ? "again" : "plain"];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout.trim());
}

test.runIf(process.platform === "linux")("recomputation takes about half the memory of a deep network", async () => {
  const [plain, again] = await Promise.all([memoryOf(false), memoryOf(true)]);
  expect(again).toBeLessThan(0.65 * plain);
});
