/** @file adapter_config.json as PEFT writes it: what of it is understood, and what is refused by name. */
import { join } from "node:path";
import { z } from "zod";
import { CheckpointError } from "../errors.ts";
import { readJsonFile } from "../read-json-file.ts";

export const ADAPTER_CONFIG = "adapter_config.json";
export const ADAPTER_WEIGHTS = "adapter_model.safetensors";

/** What an adapter's tensors mean. */
export interface AdapterConfig {
  readonly rank: number;
  /** Such that the detour is alpha/rank · B·A; rank-stabilised adapters are converted. */
  readonly alpha: number;
  /** Folder or name of the model that the adapter was trained on. */
  readonly base?: string;
}

const none = (found: unknown): boolean =>
  found === undefined ||
  found === null ||
  found === false ||
  (typeof found === "object" && Object.keys(found).length === 0);

/** Keys that change what the tensors mean. With PEFT's default values they change nothing. */
const REFUSED: Readonly<Record<string, readonly [isDefault: (found: unknown) => boolean, why: string]>> = {
  use_dora: [none, "DoRA's magnitudes are not supported"],
  fan_in_fan_out: [none, "transposed weights are not supported"],
  bias: [(found) => none(found) || found === "none", "trained biases are not supported"],
  lora_bias: [none, "biases in adapters are not supported"],
  modules_to_save: [none, "layers that are saved whole are not supported"],
  rank_pattern: [none, "ranks of single layers are not supported"],
  alpha_pattern: [none, "alphas of single layers are not supported"],
  trainable_token_indices: [none, "trained embeddings of single tokens are not supported"],
  init_lora_weights: [
    (found) => none(found) || found === true || found === "gaussian" || found === "orthogonal",
    "such an adapter belongs to a base with other weights; let PEFT convert it to a plain LoRA",
  ],
};

const schema = z.looseObject({
  peft_type: z.literal("LORA"),
  base_model_name_or_path: z.string().nullish(),
  r: z.number().int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().nullish(),
});

/**
 * Reads and checks an adapter's config.
 * @throws CheckpointError when there is none, it is no LoRA, or it asks for something that is not supported, by name
 * @example const { rank, alpha, base } = await readAdapterConfig("runs/lora/last");
 */
export async function readAdapterConfig(folder: string): Promise<AdapterConfig> {
  const path = join(folder, ADAPTER_CONFIG);
  const json = await readJsonFile(path);
  if (json === undefined) throw new CheckpointError(path, "is missing, so this folder holds no adapter");
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    throw new CheckpointError(path, `is not the config of a LoRA:\n${z.prettifyError(parsed.error)}`);
  for (const [key, [isDefault, why]] of Object.entries(REFUSED))
    if (!isDefault(parsed.data[key]))
      throw new CheckpointError(path, `${key} is ${JSON.stringify(parsed.data[key])}: ${why}`);
  const { r: rank, lora_alpha, use_rslora, base_model_name_or_path } = parsed.data;
  return {
    rank,
    // rsLoRA scales by alpha/√rank (Kalajdzievski 2023).
    alpha: use_rslora ? lora_alpha * Math.sqrt(rank) : lora_alpha,
    base: base_model_name_or_path || undefined,
  };
}
