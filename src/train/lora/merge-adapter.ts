/** @file Folds a LoRA into its model: a checkpoint in the published layout that needs no adapter any more. */

import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { makeFolder } from "../../common/node.ts";
import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  DEFAULT_SHARD_BYTES,
  f32ToBf16,
  openCheckpoint,
  type TensorToWrite,
  toF32,
  writeSafetensors,
  writeShardedSafetensors,
} from "../../hub/index.ts";
import { TrainingInputError } from "../input-error.ts";
import { copyModelFiles } from "../run/training-state.ts";

export interface MergeOptions {
  /** Folder of the base model; the one that adapter_config.json names when left out. */
  readonly base?: string;
}

/**
 * Writes base + alpha/rank · B·A as bf16 to `out`, with the base's config and tokenizer; a layer at a time in memory. Where
 * the base is an adapter itself, all of them are folded in.
 * @param out a new or empty folder
 * @throws TrainingInputError when `out` holds files or the folder holds no adapter; CheckpointError when the base is not known
 * or a tensor does not fit. `out` is then no checkpoint
 * @example await mergeAdapter("runs/lora/last", "models/merged");
 */
export async function mergeAdapter(adapterFolder: string, out: string, options: MergeOptions = {}): Promise<void> {
  const existing = await readdir(out).catch(() => [] as string[]);
  if (existing.length > 0)
    throw new TrainingInputError(
      `${out} holds ${existing.length} files, expected a new or empty folder: nothing was written`,
    );
  const checkpoint = await openCheckpoint(adapterFolder, options.base);
  try {
    if (checkpoint.folder === checkpoint.modelFolder)
      throw new TrainingInputError(
        `${adapterFolder} holds a whole model, expected an adapter alone (${ADAPTER_CONFIG}, ${ADAPTER_WEIGHTS})`,
      );
    // Weights are read one after the other while they are written, so that a large model needs little memory.
    const tensors = [...checkpoint.tensors].map(([name, { dtype, shape, file }]): TensorToWrite => {
      if (basename(file) !== ADAPTER_WEIGHTS) return { name, dtype, shape, bytes: () => checkpoint.readTensor(name) };
      const bytes = async () => {
        const half = f32ToBf16(toF32(await checkpoint.readTensor(name), dtype));
        return new Uint8Array(half.buffer, half.byteOffset, half.byteLength);
      };
      return { name, dtype: "BF16", shape, bytes };
    });
    await makeFolder(out);
    // Weights last: until they are there, the folder is no checkpoint.
    await copyModelFiles(checkpoint.modelFolder, out);
    const bytes = [...checkpoint.tensors.values()].reduce((n, t) => n + t.bytes, 0);
    if (bytes > DEFAULT_SHARD_BYTES) await writeShardedSafetensors(out, tensors, { format: "pt" });
    else await writeSafetensors(join(out, "model.safetensors"), tensors, { format: "pt" });
  } finally {
    await checkpoint.close();
  }
}
