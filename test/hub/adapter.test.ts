/** @file Folders with a LoRA in PEFT's files open as the model they make, and say what is wrong with them. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/common/index.ts";
import { openCheckpoint, openSafetensors, resolveModel, toF32, writeSafetensors } from "../../src/hub/index.ts";

const BASE = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
const WEIGHT = "llm.model.layers.0.mlp.down_proj.weight";
const RANK = 3;
let folder: string;
let shape: number[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-adapter-"));
  const base = await openCheckpoint(BASE);
  shape = base.tensors.get(WEIGHT)!.shape;
  await base.close();
});
afterAll(() => rm(folder, { recursive: true }));

const random = new Random(4);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random.normal());

/** Writes an adapter of WEIGHT and returns its A and B. */
async function write(
  name: string,
  changes: object = {},
  tensors: (a: Float32Array, b: Float32Array) => [string, Float32Array, number[]][] = (a, b) => [
    [`base_model.model.${WEIGHT.replace("weight", "lora_A.weight")}`, a, [RANK, shape[1]!]],
    [`base_model.model.${WEIGHT.replace("weight", "lora_B.weight")}`, b, [shape[0]!, RANK]],
  ],
) {
  const path = join(folder, name);
  await mkdir(path);
  const [a, b] = [numbers(RANK * shape[1]!), numbers(RANK * shape[0]!)];
  const listed = tensors(a, b).map(([tensor, data, size]) => ({
    name: tensor,
    dtype: "F32" as const,
    shape: size,
    bytes: () => new Uint8Array(data.buffer),
  }));
  await writeSafetensors(join(path, "adapter_model.safetensors"), listed);
  const config = { peft_type: "LORA", base_model_name_or_path: BASE, r: RANK, lora_alpha: 6, ...changes };
  await writeFile(join(path, "adapter_config.json"), JSON.stringify(config));
  return { path, a, b };
}

/** W + scale · B·A, element by element. */
async function expected(a: Float32Array, b: Float32Array, scale: number): Promise<Float32Array> {
  const file = await openSafetensors(join(BASE, "model.safetensors"));
  const w = toF32(await file.readTensor(WEIGHT), file.tensors.get(WEIGHT)!.dtype).slice();
  await file.close();
  const [out, inner] = shape as [number, number];
  for (let o = 0; o < out; o++)
    for (let i = 0; i < inner; i++) {
      let sum = 0;
      for (let r = 0; r < RANK; r++) sum += b[o * RANK + r]! * a[r * inner + i]!;
      w[o * inner + i]! += scale * sum;
    }
  return w;
}

it.each([
  ["alpha over rank", {}, 6 / RANK],
  ["alpha over the rank's root, where rank-stabilised", { use_rslora: true }, 6 / Math.sqrt(RANK)],
])("the product is scaled by %s", async (name, changes, scale) => {
  const { path, a, b } = await write(name, changes);
  const checkpoint = await openCheckpoint(path);
  const found = toF32(await checkpoint.readTensor(WEIGHT), checkpoint.tensors.get(WEIGHT)!.dtype);
  const wanted = await expected(a, b, scale);
  expect(found).toHaveLength(wanted.length);
  for (let i = 0; i < wanted.length; i++) expect(Math.abs(found[i]! - wanted[i]!)).toBeLessThan(1e-5);
  await checkpoint.close();
});

it("any range of bytes is that part of the whole; other tensors are the base's bytes", async () => {
  const { path } = await write("ranges");
  const [checkpoint, base] = await Promise.all([path, BASE].map((one) => openCheckpoint(one)));
  const whole = await checkpoint!.readTensor(WEIGHT);
  for (const [start, end] of [
    [0, 4],
    [3, 9],
    [4 * shape[1]! - 2, 4 * shape[1]! + 6],
    [0, 0],
    [whole.length - 5, whole.length],
  ] as const) {
    expect(await checkpoint!.readRange(WEIGHT, start, end)).toEqual(whole.slice(start, end));
    const target = new Uint8Array(end - start);
    expect(await checkpoint!.readRange(WEIGHT, start, end, target)).toBe(target);
    expect(target).toEqual(whole.slice(start, end));
  }
  await expect(checkpoint!.readRange(WEIGHT, 0, whole.length + 1)).rejects.toThrow(RangeError);
  const other = "llm.model.norm.weight";
  expect(await checkpoint!.readTensor(other)).toEqual(await base!.readTensor(other));
  expect([...checkpoint!.tensors.keys()]).toEqual([...base!.tensors.keys()]);
  expect(await checkpoint!.readJson("tokenizer_config.json")).toEqual(await base!.readJson("tokenizer_config.json"));
  expect([checkpoint!.folder, checkpoint!.modelFolder]).toEqual([path, BASE]);
  await Promise.all([checkpoint!.close(), base!.close()]);
});

it("the base is found beside the adapter, whatever the working directory", async () => {
  await cp(BASE, join(folder, "base-model"), { recursive: true });
  const { path } = await write("beside", { base_model_name_or_path: "../base-model" });
  await (await openCheckpoint(path)).close();
  expect(await resolveModel(path)).toBe(path);
});

it("weights of its own win over an adapter beside them", async () => {
  const { path } = await write("both");
  for (const name of ["config.json", "model.safetensors"]) await cp(join(BASE, name), join(path, name));
  const checkpoint = await openCheckpoint(path);
  expect(checkpoint.modelFolder).toBe(path);
  expect(await checkpoint.readTensor(WEIGHT)).toEqual(
    await openSafetensors(join(BASE, "model.safetensors")).then(async (file) => {
      const bytes = await file.readTensor(WEIGHT);
      await file.close();
      return bytes;
    }),
  );
  await checkpoint.close();
});

describe("refused, by name", () => {
  it.each<[string, object, RegExp]>([
    ["dora", { use_dora: true }, /use_dora is true: DoRA/],
    ["saved modules", { modules_to_save: ["lm_head"] }, /modules_to_save is \["lm_head"\]/],
    ["rank pattern", { rank_pattern: { q_proj: 4 } }, /rank_pattern is/],
    ["pissa", { init_lora_weights: "pissa" }, /init_lora_weights is "pissa"/],
    ["bias", { bias: "all" }, /bias is "all"/],
    ["another method", { peft_type: "IA3" }, /is not the config of a LoRA/],
    ["another rank", { r: 5 }, /are \[3, ?\d+\] and \[\d+, ?3\], not of rank 5/],
    ["no base", { base_model_name_or_path: null }, /does not say which model/],
    [
      "a base that is gone",
      { base_model_name_or_path: "/nowhere/model" },
      /for the model "\/nowhere\/model".*Set base_model/,
    ],
    ["a base that is no name", { base_model_name_or_path: "../nowhere" }, /for the model "\.\.\/nowhere"/],
  ])("%s", async (name, changes, message) => {
    const { path } = await write(name, changes);
    await expect(openCheckpoint(path)).rejects.toThrow(message);
  });

  it("a half without its other, a name that is not PEFT's, a tensor that the base has not", async () => {
    const one = await write("half", {}, (a) => [
      [`base_model.model.${WEIGHT.replace("weight", "lora_A.weight")}`, a, [RANK, shape[1]!]],
    ]);
    await expect(openCheckpoint(one.path)).rejects.toThrow(/has only lora_A, expected both/);
    const two = await write("unnamed", {}, (a) => [["lora_A", a, [RANK, shape[1]!]]]);
    await expect(openCheckpoint(two.path)).rejects.toThrow(/"lora_A" is not named as PEFT names/);
    const three = await write("other-model", {}, (a, b) => [
      ["base_model.model.model.layers.0.q_proj.lora_A.weight", a, [RANK, shape[1]!]],
      ["base_model.model.model.layers.0.q_proj.lora_B.weight", b, [shape[0]!, RANK]],
    ]);
    await expect(openCheckpoint(three.path)).rejects.toThrow(
      /has no tensor "model\.layers\.0\.q_proj\.weight".*another model's/,
    );
  });

  it("an adapter that is its own base, through another", async () => {
    const one = await write("circle-a", { base_model_name_or_path: join(folder, "circle-b") });
    await write("circle-b", { base_model_name_or_path: one.path });
    await expect(openCheckpoint(one.path)).rejects.toThrow(/is its own base/);
    await symlink(one.path, join(folder, "circle-link"));
    await expect(openCheckpoint(join(folder, "circle-link"))).rejects.toThrow(/is its own base/);
  });

  it("an adapter on a base whose sizes differ", async () => {
    const wide = shape[1]! + 1;
    const { path } = await write("wide", {}, () => [
      [`base_model.model.${WEIGHT.replace("weight", "lora_A.weight")}`, numbers(RANK * wide), [RANK, wide]],
      [`base_model.model.${WEIGHT.replace("weight", "lora_B.weight")}`, numbers(RANK * shape[0]!), [shape[0]!, RANK]],
    ]);
    await expect(openCheckpoint(path)).rejects.toThrow(new RegExp(`but \\[\\d+, ${wide}\\] in the adapter`));
    expect(JSON.parse(await readFile(join(path, "adapter_config.json"), "utf8")).r).toBe(RANK);
  });
});
