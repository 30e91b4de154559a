/** @file Passes over the model's graphs: recomputation, LoRA, and training ops against the fused kernels. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { mergeLora } from "../../src/common/index.ts";
import * as g from "../../src/graph/index.ts";
import {
  fusedAttend,
  listParameters,
  parametersOf,
  parseConfig,
  tower,
  trainedTowerAttend,
} from "../../src/model/index.ts";
import {
  fusePackedQkv,
  type LoraConfig,
  loraParameters,
  lowerAttention,
  recompute,
  withLora,
} from "../../src/passes/index.ts";
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
    const seen = tower(parametersOf(config), config, pixels, attend(config.vision));
    return (await evaluate(lowerAttention({ seen }), { ...weights(), pixels: numbers(2 * 3 * 32 * 32, 1, 0.5) })).seen!;
  };
  const [fused, primitive] = [await run(fusedAttend), await run(trainedTowerAttend)];
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
  const trained = tower(parametersOf(config), config, pixels, trainedTowerAttend(config.vision));
  const { seen } = lowerAttention({ seen: trained });
  const { adapted } = withLora({ adapted: seen }, LORA, new Set(adapters.map((p) => p.name)));
  const picture = numbers(3 * 32 * 32, 1, 0.5);
  const found = await evaluate({ seen, adapted }, { ...given, pixels: picture });
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
    "No layer is named query; expected names such as q_proj",
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

test("recomputation tells gradients by their mark, whatever the scopes are called", () => {
  const x = g.weight("x", "float32", [4]);
  const outputs = g.scoped("backward", () => {
    const inner = g.scoped("layers.0", () => g.tanh(g.exp(g.sigmoid(x))));
    const loss = g.reduceSum(g.mul(inner, inner), [0]);
    return { loss, dx: g.gradients(loss, [x])[0]! };
  });
  const count = (graph: typeof outputs) =>
    g.topologicalOrder(Object.values(graph)).filter((node) => node.op.name === "Exp").length;
  const again = recompute(outputs, (scope) => /layers\.\d+$/.exec(scope)?.[0]);
  expect([count(outputs), count(again)]).toEqual([1, 2]);
});

test("q, k and v are one product by what they read, with biases or without, and by no name", () => {
  const plan = { rules: [], kernels: "standard" } as const;
  const cache = { lastPositions: "int32", totalLength: "int32", cos: "float32", sin: "float32" } as const;
  const given = Object.fromEntries(Object.entries(cache).map(([name, type]) => [name, g.input(name, type, ["n", 8])]));
  const past = (name: string) => g.input(name, "float32", ["batch", 1, "past", 16]);
  const attended = (inputs: readonly g.Value[], biases: number) => {
    const layers = ["a.one", "a.two", "a.three"].map((name, i) => {
      const bias = i < biases ? g.weight(`${name}.bias`, "float32", [16]) : undefined;
      return g.linear(inputs[i]!, g.weight(`${name}.weight`, "float32", [16, 32]), bias);
    });
    const memory = { ...given, pastKey: past("key"), pastValue: past("value") } as unknown as g.CachedAttention;
    const [y] = g.groupQueryAttention(layers[0]!, layers[1]!, layers[2]!, memory, { heads: 1, kvHeads: 1, scale: 1 });
    return g.weightsOf(Object.values(fusePackedQkv({ y: y! }, plan))).map(g.sourceName);
  };
  const [x, other] = ["x", "other"].map((name) => g.input(name, "float32", ["batch", "seq", 32]));
  expect(attended([x!, x!, x!], 3)).toEqual(["a.one_two_three.weight", "a.one_two_three.bias"]);
  expect(attended([x!, x!, x!], 0)).toEqual(["a.one_two_three.weight"]);
  expect(attended([x!, x!, x!], 2)).toHaveLength(5);
  expect(attended([x!, x!, other!], 3)).toHaveLength(6);
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
