/** @file LoRA tensors in the files and names of PEFT: adapter_model.safetensors and adapter_config.json. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { openSafetensors, toF32, writeSafetensors } from "../../hub/index.ts";
import type { LoraConfig } from "../../model/index.ts";
import { TrainingInputError } from "../input-error.ts";
import type { ParameterStore } from "../parameter-store.ts";

export const ADAPTER_WEIGHTS = "adapter_model.safetensors";
export const ADAPTER_CONFIG = "adapter_config.json";
const PREFIX = "base_model.model.";

export const isLoraTensor = (name: string): boolean => /\.lora_[AB]\.weight$/.test(name);

/** Layers of the decoder only: as a pattern, since the tower's layers have the same last names. */
const targetPattern = ({ targetModules }: LoraConfig): string => `llm\\..*\\.(${targetModules.join("|")})`;

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
      return { name: PREFIX + p.name, dtype: "F32" as const, shape: p.shape, bytes };
    });
  await writeSafetensors(join(folder, ADAPTER_WEIGHTS), tensors, { format: "pt" });
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: base,
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: 0,
    target_modules: targetPattern(lora),
    bias: "none",
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    modules_to_save: null,
    inference_mode: true,
  };
  await writeFile(join(folder, ADAPTER_CONFIG), `${JSON.stringify(config, null, 2)}\n`);
}

const configSchema = z.object({
  peft_type: z.literal("LORA"),
  base_model_name_or_path: z.string().nullish(),
  r: z.number().int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().default(false),
  // What follows changes what the tensors mean; only PEFT's defaults are understood.
  use_dora: z.literal(false).default(false),
  fan_in_fan_out: z.literal(false).default(false),
  bias: z.literal("none").default("none"),
  modules_to_save: z.union([z.null(), z.array(z.string()).max(0)]).optional(),
  rank_pattern: z
    .record(z.string(), z.unknown())
    .refine((r) => Object.keys(r).length === 0, "expected none")
    .optional(),
  alpha_pattern: z
    .record(z.string(), z.unknown())
    .refine((r) => Object.keys(r).length === 0, "expected none")
    .optional(),
});

/** One adapted layer. */
export interface AdapterPair {
  /** [rank, in] */
  readonly a: Float32Array;
  /** [out, rank] */
  readonly b: Float32Array;
}

export interface Adapter {
  readonly rank: number;
  /** Such that the detour is alpha/rank · B·A; rank-stabilised adapters are converted. */
  readonly alpha: number;
  readonly base?: string;
  /** By the name of the weight that they belong to. */
  readonly pairs: ReadonlyMap<string, AdapterPair>;
}

/**
 * Reads a LoRA in PEFT's files.
 * @throws Error naming the key or tensor that is missing, unpaired, or of a kind that is not supported
 */
export async function readAdapter(folder: string): Promise<Adapter> {
  const path = join(folder, ADAPTER_CONFIG);
  const parsed = configSchema.safeParse(JSON.parse(await readFile(path, "utf8")));
  if (!parsed.success)
    throw new TrainingInputError(`${path} is not a LoRA that can be merged:\n${z.prettifyError(parsed.error)}`);
  const { r: rank, lora_alpha, use_rslora, base_model_name_or_path } = parsed.data;
  const file = await openSafetensors(join(folder, ADAPTER_WEIGHTS));
  try {
    const halves = new Map<string, Partial<Record<"A" | "B", Float32Array>>>();
    for (const [name, { dtype }] of file.tensors) {
      const match = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(name);
      if (!match)
        throw new TrainingInputError(
          `${file.path}: "${name}" is not named as PEFT names LoRA tensors (${PREFIX}….lora_A.weight)`,
        );
      const weight = `${match[1]}.weight`;
      const half = halves.get(weight) ?? {};
      half[match[2] as "A" | "B"] = toF32(await file.readTensor(name), dtype);
      halves.set(weight, half);
    }
    const pairs = [...halves].map(([weight, { A, B }]): [string, AdapterPair] => {
      if (!A || !B)
        throw new TrainingInputError(`${file.path}: ${weight} has only ${A ? "lora_A" : "lora_B"}, expected both`);
      if (A.length % rank !== 0 || B.length % rank !== 0)
        throw new TrainingInputError(
          `${file.path}: the tensors of ${weight} are not of rank ${rank}, as ${ADAPTER_CONFIG} says`,
        );
      return [weight, { a: A, b: B }];
    });
    return {
      rank,
      alpha: use_rslora ? lora_alpha * Math.sqrt(rank) : lora_alpha,
      base: base_model_name_or_path ?? undefined,
      pairs: new Map(pairs),
    };
  } finally {
    await file.close();
  }
}
