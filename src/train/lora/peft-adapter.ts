/** @file Writes LoRA tensors in the files and names of PEFT: adapter_model.safetensors and adapter_config.json. */

import { realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, writeSafetensors } from "../../hub/index.ts";
import type { LoraConfig } from "../../passes/index.ts";
import type { ParameterStore } from "../parameter-store.ts";

const PREFIX = "base_model.model.";

export const isLoraTensor = (name: string): boolean => /\.lora_[AB]\.weight$/.test(name);

/** What the files of the store's model call a layer or tensor of the decoder. */
function inFile(store: ParameterStore, name: string): string {
  const [, layer, rest] = /^(.+?)(\.(?:lora_[AB]\.)?weight)$/.exec(name)!;
  const stored = store.layout.find(({ holds }) => holds.includes(`${layer}.weight`));
  return stored ? stored.name.replace(/\.weight$/, rest!) : name;
}

/** Layers of the decoder only: as a pattern, since the tower's layers have the same last names. */
function targetPattern(store: ParameterStore): string {
  const layers = store.parameters.filter((p) => p.part === "decoder" && isLoraTensor(p.name));
  const path = inFile(store, layers[0]!.name).split(/(?:\.model)?\.layers\./)[0]!;
  const names = layers.map(({ name }) => /([^.]+)\.lora_[AB]\.weight$/.exec(name)![1]!);
  return `${path.replaceAll(".", "\\.")}\\..*\\.(${[...new Set(names)].join("|")})`;
}

/** Writes the LoRA of a store into `folder`. @param base model that the adapter belongs to */
export async function saveAdapter(
  folder: string,
  store: ParameterStore,
  lora: LoraConfig,
  base: string,
): Promise<void> {
  const tensors = store.parameters
    .filter((p) => isLoraTensor(p.name))
    .map((p) => {
      const { buffer, byteOffset, byteLength } = store.get(p.name);
      const bytes = () => new Uint8Array(buffer, byteOffset, byteLength);
      return { name: PREFIX + inFile(store, p.name), dtype: "F32" as const, shape: p.shape, bytes };
    });
  await writeSafetensors(join(folder, ADAPTER_WEIGHTS), tensors, { format: "pt" });
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    // A link such as "last" will lead elsewhere when that run goes on.
    base_model_name_or_path: await realpath(base).catch(() => base),
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: lora.dropout ?? 0,
    target_modules: targetPattern(store),
    bias: "none",
    fan_in_fan_out: false,
    use_rslora: lora.rankStabilized ?? false,
    use_dora: false,
    modules_to_save: null,
    inference_mode: true,
  };
  await writeFile(join(folder, ADAPTER_CONFIG), `${JSON.stringify(config, null, 2)}\n`);
}
