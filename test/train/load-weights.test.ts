/** @file Whatever reads weights refuses tensors that do not have the sizes it expects, and names them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { CheckpointError, openCheckpoint, writeSafetensors } from "../../src/hub/index.ts";
import { parseConfig } from "../../src/model/index.ts";
import { loadParameters } from "../../src/train/index.ts";

const GOLDEN = join(import.meta.dirname, "../golden/static-tiny");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-load-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("training refuses a checkpoint whose tensors are not of the sizes in config.json", async () => {
  const checkpoint = await openCheckpoint(GOLDEN);
  try {
    const config = structuredClone(checkpoint.config) as { llm_config: { intermediate_size: number } };
    config.llm_config.intermediate_size += 16;
    const error = await loadParameters(parseConfig(config), checkpoint).catch((e) => e);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(
      /llm\.model\.layers\.0\.mlp\.down_proj\.weight .*found BF16 \[64, 160\], .*\[64, 176\]/,
    );
    expect((await loadParameters(parseConfig(checkpoint.config), checkpoint)).parameters.length).toBeGreaterThan(10);
  } finally {
    await checkpoint.close();
  }
});

it("an adapter whose tensors lie the other way round is refused, though their number of elements is right", async () => {
  const zeros = (name: string, shape: number[]) => ({
    name: `base_model.model.llm.model.layers.0.self_attn.q_proj.${name}.weight`,
    dtype: "F32" as const,
    shape,
    bytes: () => new Uint8Array(shape[0]! * shape[1]! * 4),
  });
  await writeFile(
    join(folder, "adapter_config.json"),
    JSON.stringify({ peft_type: "LORA", r: 2, lora_alpha: 4, base_model_name_or_path: GOLDEN }),
  );
  const write = (a: number[]) =>
    writeSafetensors(join(folder, "adapter_model.safetensors"), [zeros("lora_A", a), zeros("lora_B", [64, 2])]);
  await write([64, 2]);
  await expect(openCheckpoint(folder)).rejects.toThrow(/q_proj\.weight are \[64,2\] and \[64,2\], not of rank 2/);
  await write([2, 64]);
  await (await openCheckpoint(folder)).close();
});
