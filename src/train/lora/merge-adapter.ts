/** @file Folds a LoRA into its model: a checkpoint in the published layout that needs no adapter any more. */

import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  DEFAULT_SHARD_BYTES,
  f32ToBf16,
  openCheckpoint,
  type TensorToWrite,
  toF32,
  writeSafetensors,
  writeShardedSafetensors,
} from "../../hub/index.ts";
import { mergeLora } from "../../model/index.ts";
import { TrainingInputError } from "../input-error.ts";
import { copyModelFiles } from "../run/training-state.ts";
import { readAdapter } from "./peft-adapter.ts";

export interface MergeOptions {
  /** Folder of the base model; the one that adapter_config.json names when left out. */
  readonly base?: string;
}

/**
 * Writes base + alpha/rank · B·A as bf16 to `out`, with the base's config and tokenizer; a layer at a time in memory.
 * @param out a new or empty folder
 * @throws Error when `out` holds files, the base is not known, or a tensor does not fit; `out` is then no checkpoint
 * @example await mergeAdapter("runs/lora/last", "models/merged");
 */
export async function mergeAdapter(adapterFolder: string, out: string, options: MergeOptions = {}): Promise<void> {
  const existing = await readdir(out).catch(() => [] as string[]);
  if (existing.length > 0)
    throw new TrainingInputError(
      `${out} holds ${existing.length} files, expected a new or empty folder: nothing was written`,
    );
  const adapter = await readAdapter(adapterFolder);
  const base = options.base ?? adapter.base;
  if (!base)
    throw new TrainingInputError(
      `${adapterFolder} does not say which model it belongs to: pass the base model's folder`,
    );
  const checkpoint = await openCheckpoint(base);
  try {
    for (const [name, { a, b }] of adapter.pairs) {
      const info = checkpoint.tensors.get(name);
      if (!info)
        throw new TrainingInputError(
          `${base} has no tensor "${name}", which the adapter changes: is it another model's?`,
        );
      const [outputs, inputs] = [b.length / adapter.rank, a.length / adapter.rank];
      if (info.shape.length !== 2 || info.shape[0] !== outputs || info.shape[1] !== inputs)
        throw new TrainingInputError(
          `${name} is [${info.shape}] in ${base}, but [${outputs}, ${inputs}] in the adapter`,
        );
    }
    // Weights are read one after the other while they are written, so that a large model needs little memory.
    const tensors = [...checkpoint.tensors].map(([name, { dtype, shape }]): TensorToWrite => {
      const pair = adapter.pairs.get(name);
      if (!pair) return { name, dtype, shape, bytes: () => checkpoint.readTensor(name) };
      const bytes = async () => {
        const weight = toF32(await checkpoint.readTensor(name), dtype);
        mergeLora(weight, pair.a, pair.b, adapter);
        const half = f32ToBf16(weight);
        return new Uint8Array(half.buffer, half.byteOffset, half.byteLength);
      };
      return { name, dtype: "BF16", shape, bytes };
    });
    await mkdir(out, { recursive: true });
    // Weights last: until they are there, the folder is no checkpoint.
    await copyModelFiles(base, out);
    const bytes = [...checkpoint.tensors.values()].reduce((n, t) => n + t.bytes, 0);
    if (bytes > DEFAULT_SHARD_BYTES) await writeShardedSafetensors(out, tensors, { format: "pt" });
    else await writeSafetensors(join(out, "model.safetensors"), tensors, { format: "pt" });
  } finally {
    await checkpoint.close();
  }
}
