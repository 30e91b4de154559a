/** @file Writes a checkpoint of random weights in the published layout: whole, or not at all. */
import { mkdir, readdir, rename, rm, rmdir, statfs, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { makeFolder } from "../../common/node.ts";
import { writeSafetensors, writeShardedSafetensors } from "../../hub/index.ts";
import { familyOf, listParameters, type ModelConfig, storedIn } from "../../model/index.ts";
import { BadInputError } from "../fail.ts";
import { formatBytes } from "../terminal/format.ts";
import { normalQuantiles, randomStored } from "./random-tensors.ts";
import { type SmallFile, tokenizerFiles } from "./tokenizer-files.ts";

/** What to write. */
export interface RandomCheckpoint {
  /** config.json as it is to be written. */
  json: object;
  /** The same, checked. */
  config: ModelConfig;
  seed: number;
  /** Folder with tokenizer files. */
  tokenizer?: string;
  /** Largest file of weights; one file if absent. */
  shardBytes?: number;
  signal: AbortSignal;
  onBytes: (done: number, total: number) => void;
}

/** Left free on the disk. */
const DISK_RESERVE = 64 * 2 ** 20;

/**
 * Writes to a folder beside `out` and renames it when everything is on disk.
 *
 * @returns the number of parameters
 * @throws BadInputError when `out` exists and is not an empty folder, or files do not fit each other
 */
export async function writeRandomCheckpoint(out: string, plan: RandomCheckpoint): Promise<number> {
  const target = resolve(out);
  await refuseNonEmpty(target);
  const parameters = listParameters(plan.config);
  const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const small = [...smallFiles(plan), ...(await tokenizerFiles(plan.tokenizer, plan.config))];
  await makeFolder(dirname(target));
  await checkDisk(dirname(target), 2 * count);

  const temporary = `${target}.${process.pid}.tmp`;
  await mkdir(temporary);
  try {
    const quantiles = normalQuantiles();
    let done = 0;
    const onBytes = (bytes: number) => {
      plan.signal.throwIfAborted();
      done += bytes;
      plan.onBytes(done, 2 * count);
    };
    const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
    const tensors = storedIn(plan.config, () => false, true).map((stored) =>
      randomStored(stored, byName, plan.seed, quantiles, onBytes),
    );
    for (const [name, text] of small) await writeFile(join(temporary, name), text);
    if (plan.shardBytes) await writeShardedSafetensors(temporary, tensors, { format: "pt" }, plan.shardBytes);
    else await writeSafetensors(join(temporary, "model.safetensors"), tensors, { format: "pt" });
    await rmdir(target).catch(() => {}); // an empty folder would be in the way on Windows
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return count;
}

async function refuseNonEmpty(target: string): Promise<void> {
  const names = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    if (error.code === "ENOTDIR") throw new BadInputError(`${target} is a file; expected a new or empty folder`);
    throw error;
  });
  if (names.length > 0) throw new BadInputError(`${target} is not empty; expected a new or empty folder`);
}

async function checkDisk(folder: string, need: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < need + DISK_RESERVE)
    throw Object.assign(
      new Error(`the checkpoint takes ${formatBytes(need)}, but ${folder} has only ${formatBytes(free)} free`),
      { code: "ENOSPC" },
    );
}

/** Numbers of Pillow's filters, as preprocessor_config.json has them. */
const FILTERS = { nearest: 0, lanczos: 1, bilinear: 2, bicubic: 3 };

/** preprocessor_config.json: CLIP's processor where the family has no keys of its own. */
function preprocessorConfig(config: ModelConfig): object {
  const family = familyOf(config);
  const { size, resample, mean, std } = family.preprocessing(config);
  const clip = () => ({
    crop_size: { height: size, width: size },
    do_center_crop: true,
    do_convert_rgb: true,
    size: { shortest_edge: size },
  });
  return {
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: mean,
    image_std: std,
    resample: FILTERS[resample],
    rescale_factor: 1 / 255,
    ...(family.preprocessorKeys ?? clip)(config),
  };
}

/** The JSON files beside weights and tokenizer, as transformers writes them. */
function smallFiles({ json, config }: RandomCheckpoint): SmallFile[] {
  type Ids = { bos_token_id?: number; eos_token_id?: number | number[] };
  const ids = (json as Record<string, Ids | undefined>)[familyOf(config).parts.decoder];
  const generation = { _from_model_config: true, bos_token_id: ids?.bos_token_id, eos_token_id: ids?.eos_token_id };
  const text = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
  return [
    ["config.json", text(json)],
    ["generation_config.json", text(generation)],
    ["preprocessor_config.json", text(preprocessorConfig(config))],
  ];
}
