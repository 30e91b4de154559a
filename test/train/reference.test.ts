/** @file Supervised training of the golden checkpoint against PyTorch's losses, gradients and updated weights. */

import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type CheckOptions, checkTable, checkTraining } from "../../src/train/index.ts";

const GOLDEN = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));

const variants: [string, CheckOptions][] = [
  ["plainly", {}],
  ["with recomputation", { recompute: true }],
  ["packed into one row", { packing: true }],
  ["accumulated over micro-batches", { accumulate: true }],
  ["in a padded batch", { padding: true }],
  ["all at once", { recompute: true, packing: true, accumulate: true, padding: true }],
];

describe("losses, gradients and weights equal PyTorch's", () => {
  test.each(variants)("%s", async (_, options) => {
    const rows = await checkTraining(GOLDEN, { ...options, threads: 1 });
    expect(rows.filter((row) => !row.ok)).toEqual([]);
    const kinds = rows.map((row) => row.kind);
    // 4 losses, 100 gradient tensors and their norm, 100 weight tensors.
    expect([kinds.filter((k) => k === "loss").length, rows.length]).toEqual([4, 205]);
  });

  test.each([
    ["plainly", {}],
    ["packed, padded and recomputed", { packing: true, padding: true, recompute: true }],
  ] as [string, CheckOptions][])("LoRA gradients follow from them %s", async (_, options) => {
    const rows = await checkTraining(GOLDEN, { ...options, lora: true, threads: 1 });
    expect(rows.filter((row) => !row.ok)).toEqual([]);
    expect(rows.length).toBe(1 + 2 * 7 * 3);
  });
});

test("few weights are left out as noise, and hardly any gradient", async () => {
  const rows = await checkTraining(GOLDEN, { threads: 1 });
  const zero = rows.filter((r) => r.kind === "gradient" && r.note).map((r) => r.name);
  expect(zero).toEqual([0, 1, 2].map((i) => `vit.encoder.layers.${i}.self_attn.k_proj.bias`));
  const left = rows
    .filter((r) => r.kind === "weight" && !zero.includes(r.name))
    .reduce((n, r) => n + Number(/^\d+/.exec(r.note ?? "")?.[0] ?? 0), 0);
  const all = (await readFile(join(GOLDEN, "sft_after3.safetensors"))).length / 4;
  expect(left / all).toBeLessThan(0.01);
});

test("numbers that differ are found and named", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-check-"));
  try {
    await cp(GOLDEN, folder, { recursive: true });
    const expected = JSON.parse(await readFile(join(folder, "expected.json"), "utf8"));
    expected.sft.losses[1] *= 1 + 2e-5;
    expected.sft.optimizer.weight_decay = 0.2;
    await writeFile(join(folder, "expected.json"), JSON.stringify(expected));
    const rows = await checkTraining(folder, { threads: 1 });
    const failed = rows.filter((r) => !r.ok);
    expect(failed.map((r) => r.name)).toContain("loss after 1 updates");
    expect(failed.some((r) => r.kind === "weight")).toBe(true);
    expect(failed.some((r) => r.kind === "gradient")).toBe(false);
    expect(checkTable(rows).at(-1)).toBe(`${failed.length} of ${rows.length} are past their tolerance`);
    expect(checkTable(rows).some((line) => /loss after 1 updates.*FAIL/.test(line))).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a folder without reference numbers is refused by name", async () => {
  await expect(checkTraining(join(GOLDEN, "images"))).rejects.toThrow(/images: there is no sft_after<steps>/);
});
