import { expect, it } from "vitest";
import { listParameters, parseConfig, type Role } from "../../model/index.ts";
import { Tokenizer } from "../../processor/index.ts";
import { PUBLISHED_CONFIGS } from "./published-configs.ts";
import { normalQuantiles, randomTensor } from "./random-tensors.ts";
import { tokenizerFiles } from "./tokenizer-files.ts";

it.each([
  ["FlashVL-2B-Static", 2_301_306_304],
  ["FlashVL-2B-Static-GRPO", 2_301_306_304],
  ["FlashVL-2B-Dynamic", 2_565_578_240],
  ["InternVL3-1B", 938_193_024],
  ["InternVL3-2B", 2_088_957_440],
])("%s has the published number of parameters", (name, count) => {
  const counts = listParameters(parseConfig(PUBLISHED_CONFIGS[name])).map(({ shape }) =>
    shape.reduce((product, size) => product * size, 1),
  );
  expect(counts.reduce((sum, own) => sum + own, 0)).toBe(count);
});

it("tokenizer files get the control tokens of a family behind their own, and stay as they are otherwise", async () => {
  const idsOf = async (name: string) => {
    const files = new Map(await tokenizerFiles(undefined, parseConfig(PUBLISHED_CONFIGS[name])));
    const tokenizer = Tokenizer.fromJSON(
      JSON.parse(files.get("tokenizer.json")!),
      JSON.parse(files.get("tokenizer_config.json")!),
    );
    expect(JSON.parse(files.get("added_tokens.json")!)["<|im_end|>"]).toBe(151_645);
    return tokenizer;
  };
  const internvl = await idsOf("InternVL3-1B");
  // OpenGVLab/InternVL3-1B, added_tokens.json
  expect(["<img>", "</img>", "<IMG_CONTEXT>", "</box>"].map((token) => internvl.encodeControl(token))).toEqual([
    151_665, 151_666, 151_667, 151_673,
  ]);
  expect((await idsOf("FlashVL-2B-Dynamic")).vocabSize).toBe(151_665);
});

it("the quantiles are those of the standard normal distribution", () => {
  const quantiles = normalQuantiles();
  const at = (p: number) => quantiles[Math.round(p * 65536 - 0.5)]!;
  // Abramowitz and Stegun, table 26.1: Phi(1) = 0.841344746, Phi(2) = 0.977249868, Phi(3) = 0.998650102.
  expect(at(0.841344746)).toBeCloseTo(1, 3);
  expect(at(0.977249868)).toBeCloseTo(2, 3);
  expect(at(0.998650102)).toBeCloseTo(3, 2);
  const [mean, square] = quantiles.reduce(([m, s], x) => [m! + x / 65536, s! + (x * x) / 65536], [0, 0]);
  expect(mean).toBeCloseTo(0, 6);
  expect(square).toBeCloseTo(1, 3);
  expect(quantiles.every((x, i) => i === 0 || x > quantiles[i - 1]!)).toBe(true);
});

it("a tensor is drawn the same from its seed, and otherwise from another", async () => {
  const quantiles = normalQuantiles();
  const draw = async (name: string, seed: number, count = 3 * 2 ** 20 + 1) => {
    const tensor = randomTensor(
      { name, shape: [count, 1], part: "decoder", role: "matrix", required: true },
      seed,
      quantiles,
    );
    const pieces: Buffer[] = [];
    if ("chunks" in tensor) for await (const piece of tensor.chunks()) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  };
  const one = await draw("w", 1);
  expect(one.length).toBe(2 * (3 * 2 ** 20 + 1));
  expect(one.equals(await draw("w", 1))).toBe(true);
  expect(one.equals(await draw("w", 2))).toBe(false);
  expect(one.equals(await draw("v", 1))).toBe(false);
});

it("weights have the spread that their place asks for, biases are 0 and norms 1", async () => {
  const quantiles = normalQuantiles();
  const draw = (name: string, shape: number[], role: Role) => {
    const tensor = randomTensor({ name, shape, part: "decoder", role, required: true }, 0, quantiles);
    if (!("chunks" in tensor)) throw new Error("expected chunks");
    const [chunk] = tensor.chunks() as Iterable<Uint8Array>;
    const bits = new Uint16Array(chunk!.buffer, 0, chunk!.length / 2);
    return new Float32Array(new Uint32Array([...bits].map((half) => half << 16)).buffer);
  };
  const weights = draw("llm.model.layers.0.mlp.up_proj.weight", [512, 512], "matrix");
  const std = Math.sqrt(weights.reduce((sum, x) => sum + x * x, 0) / weights.length);
  expect(std).toBeGreaterThan(0.0198);
  expect(std).toBeLessThan(0.0202);
  expect(new Set(draw("llm.model.norm.weight", [64], "norm"))).toEqual(new Set([1]));
  expect(new Set(draw("llm.model.layers.0.self_attn.q_proj.bias", [64], "bias"))).toEqual(new Set([0]));
});
