/** @file Checkpoints of a run: the model in the published layout, and everything that a resumed run needs, bit for bit. */

import { cp, lstat, readdir, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { z } from "zod";
import { floatToHalf } from "../../common/index.ts";
import {
  fileHash,
  makeFolder,
  readState,
  removeRemains,
  StateFileError,
  temporaryBeside,
  writeState,
} from "../../common/node.ts";
import {
  ADAPTER_CONFIG,
  checkTensors,
  type Dtype,
  f32ToBf16,
  openSafetensors,
  type TensorToWrite,
  toF32,
  writeSafetensors,
} from "../../hub/index.ts";
import type { LoraConfig } from "../../passes/index.ts";
import { fromFirst } from "../../ranks/index.ts";
import { saveAdapter } from "../lora/peft-adapter.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import type { ParameterStore } from "../parameter-store.ts";
import { GatheredMoments, type Moment, scatterMoments, spread } from "./moments.ts";

/** What a run must remember beside weights and moments. */
export interface Progress {
  /** Optimiser updates done. */
  readonly step: number;
  /** Where the data goes on. */
  readonly cursor: number;
  readonly random: readonly number[];
  /** Anything else, such as the best validation loss. */
  readonly extra?: Readonly<Record<string, number>>;
}

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const progressSchema = z.strictObject({
  step: count,
  cursor: count,
  random: z.array(z.number()),
  /** A loss that is not there yet is infinite, for which JSON has null. */
  extra: z
    .record(z.string(), z.number().nullable())
    .transform((extra) => Object.fromEntries(Object.entries(extra).map(([k, v]) => [k, v ?? Number.POSITIVE_INFINITY])))
    .optional(),
  /** SHA-256 of the weights and moments that belong to this step. */
  state: z.string(),
});
const PROGRESS_VERSION = 2;

/** Weights, moments and all else that is trained, in float32, in a checkpoint's folder. */
export const TRAINING_STATE_FILE = "training.safetensors";
const PROGRESS = "progress.json";
/** Files beside a checkpoint's own: of the run that made it, and what was found about those very weights. */
const NOT_COPIED = new Set([PROGRESS, ADAPTER_CONFIG, "evaluation.json"]);
const folderOf = (step: number): string => `step-${String(step).padStart(7, "0")}`;
const stepOf = (folder: string): number => Number(/^step-(\d+)$/.exec(folder)?.[1] ?? -1);

const bytesOf = (data: Float32Array): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Numbers as a file of that type holds them. */
function storedBytes(data: Float32Array, dtype: Dtype): Uint8Array {
  if (dtype === "F32") return bytesOf(data);
  const half = dtype === "F16" ? Uint16Array.from(data, floatToHalf) : f32ToBf16(data);
  return new Uint8Array(half.buffer, half.byteOffset, half.byteLength);
}

/** One array of several, one after the other; one alone is not copied. */
function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The model's tensors in the layout and the types of the checkpoint that they came from. */
export const publishedTensors = (store: ParameterStore): TensorToWrite[] =>
  store.layout.map(({ name, shape, dtype, holds }) => ({
    name,
    dtype,
    shape: [...shape],
    bytes: () => storedBytes(joined(holds.map((part) => store.get(part))), dtype),
  }));

/** Files beside the weights (config, tokenizer, preprocessor) that make a folder a checkpoint. */
export async function copyModelFiles(from: string, to: string): Promise<void> {
  for (const name of await readdir(from))
    if (/\.(json|txt|jinja)$/.test(name) && !name.endsWith(".index.json") && !NOT_COPIED.has(name))
      await cp(join(from, name), join(to, name));
}

interface StateArray {
  /** In the file. */
  readonly name: string;
  readonly length: number;
  /** The tensor's moments, or its weights. */
  readonly of: Moment | { readonly name: string; readonly kind: "weight" };
}

/** What a resumed run needs in float32. Weights that are not trained are those of the model that the run started from. */
const stateArrays = (store: ParameterStore, optimizer: Optimizer): StateArray[] =>
  optimizer.trained.flatMap((name) =>
    (["weight", "m", "v"] as const)
      .filter((kind) => kind !== "v" || optimizer.hasSecondMoment(name))
      .map((kind) => ({
        name: `${kind}.${name}`,
        length: store.get(name).length,
        of: { name, kind } as StateArray["of"],
      })),
  );

export interface Checkpoints {
  /** Folder that holds `step-…` folders. */
  readonly folder: string;
  /** Folder with config.json and tokenizer files, copied into every checkpoint. */
  readonly modelFiles: string;
  /** How many to keep; the newest stay. */
  readonly keep: number;
  /** Name of a link to the newest one, such as "runs/a/last". */
  readonly link?: string;
  /** The model is `base` with this LoRA: checkpoints hold the adapter alone, in PEFT's files. */
  readonly lora?: { readonly config: LoraConfig; readonly base: string };
}

/**
 * Where the run in folder `run` keeps its checkpoints, and the link that leads to the newest.
 * @param modelFiles folder with the config and the tokenizer of the model that is trained
 */
export const checkpointsOf = (
  run: string,
  { model, keep, lora }: { model: string; keep: number; lora?: LoraConfig },
  modelFiles: string,
): Checkpoints & { link: string } => ({
  folder: join(run, "checkpoints"),
  modelFiles,
  keep,
  lora: lora && { config: lora, base: model },
  link: join(run, "last"),
});

/** The newest whole checkpoint, or undefined. Folders that were being written when a run was killed have other names. */
export async function newestCheckpoint(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const steps = names.map(stepOf).filter((s) => s >= 0);
  return steps.length ? join(folder, folderOf(Math.max(...steps))) : undefined;
}

/**
 * Writes a checkpoint: complete under its name or not there at all. Older ones beyond `keep` are removed afterwards. Of several
 * ranks, rank 0 writes what one process would, and the others give it their moments.
 * @returns its folder, which `flashvl chat` can open
 * @throws NotFiniteError naming the first weight that is NaN or infinite; nothing is written then
 */
export async function saveCheckpoint(
  to: Checkpoints,
  store: ParameterStore,
  optimizer: Optimizer,
  progress: Progress,
): Promise<string> {
  optimizer.checkWeights();
  const target = join(to.folder, folderOf(progress.step));
  const moments = new GatheredMoments(optimizer, (name) => store.get(name).length);
  if (optimizer.ranks.rank > 0) {
    await moments.answer();
    return target;
  }
  const temporary = join(to.folder, `.writing-${folderOf(progress.step)}-${process.pid}`);
  await rm(temporary, { recursive: true, force: true });
  await makeFolder(temporary);
  try {
    if (to.lora) await saveAdapter(temporary, store, to.lora.config, to.lora.base);
    else {
      await copyModelFiles(to.modelFiles, temporary);
      await writeSafetensors(join(temporary, "model.safetensors"), publishedTensors(store), { format: "pt" });
    }
    const state = stateArrays(store, optimizer).map(({ name, length, of }) => ({
      name,
      dtype: "F32" as const,
      shape: [length],
      bytes: async () => bytesOf(of.kind === "weight" ? store.get(of.name) : await moments.whole(of)),
    }));
    const hash = await writeSafetensors(join(temporary, TRAINING_STATE_FILE), state);
    await moments.end();
    await writeState(join(temporary, PROGRESS), PROGRESS_VERSION, { ...progress, state: hash });
    await rm(target, { recursive: true, force: true });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // The same error, so that its code (such as ENOSPC) stays.
    if (error instanceof Error) error.message = `the checkpoint ${target} could not be written: ${error.message}`;
    throw error;
  }
  if (to.link) await pointTo(to.link, target);
  await removeOld(to);
  return target;
}

/** Makes `link` lead to `target`, at once; a real folder of that name is left alone. */
async function pointTo(link: string, target: string): Promise<void> {
  const found = await lstat(link).catch(() => undefined);
  if (found && !found.isSymbolicLink()) return;
  await removeRemains(link);
  const temporary = temporaryBeside(link);
  await symlink(relative(dirname(link), target), temporary, "dir");
  await rename(temporary, link);
}

async function removeOld({ folder, keep }: Checkpoints): Promise<void> {
  const names = await readdir(folder);
  const old = names
    .filter((n) => stepOf(n) >= 0)
    .sort((a, b) => stepOf(b) - stepOf(a))
    .slice(keep);
  const broken = names.filter((n) => n.startsWith(".writing-"));
  for (const name of [...old, ...broken]) await rm(join(folder, name), { recursive: true, force: true });
}

/**
 * Restores weights and moments in place and returns the progress. Of several ranks, rank 0 reads, whatever their number was.
 * @throws StateFileError when the progress, or the state beside it, is damaged or of another step
 * @throws CheckpointError naming what the state lacks
 */
export async function loadTrainingState(
  folder: string,
  store: ParameterStore,
  optimizer: Optimizer,
): Promise<Progress> {
  const { ranks } = optimizer;
  const known = await fromFirst(ranks, () => checkedProgress(folder));
  const arrays = stateArrays(store, optimizer);
  const state = ranks.rank === 0 ? await openSafetensors(join(folder, TRAINING_STATE_FILE)) : undefined;
  try {
    const expected = arrays.map(({ name, length }) => ({ name, shape: [length], dtypes: ["F32"] as const }));
    if (state) checkTensors({ folder: state.path, tensors: state.tensors }, expected, WHOSE);
    for (const { name, length, of } of arrays) {
      const memory =
        of.kind === "weight"
          ? store.get(of.name)
          : ranks.size === 1
            ? optimizer.moments.get(of.name)![of.kind]
            : new Float32Array(state ? length : 0);
      if (state) toF32(await state.readTensor(name), "F32", memory);
      if (ranks.size === 1) continue;
      if (of.kind === "weight") await spread(optimizer, memory);
      else await scatterMoments(optimizer, of, length, memory);
    }
  } finally {
    await state?.close();
  }
  optimizer.step = known.step;
  return known;
}

/** Whose tensors an error about missing ones names. */
const WHOSE = "this recipe's state; was the recipe changed?";

/** The progress of a checkpoint whose state is the one that was written with it. */
async function checkedProgress(folder: string): Promise<Progress> {
  const wayOut = await otherWay(folder);
  const path = join(folder, PROGRESS);
  const progress = await readState(path, PROGRESS_VERSION, (found) => progressSchema.parse(found), wayOut);
  if (!progress) throw new StateFileError(`${path} is missing. ${wayOut}`);
  const { state: hash, ...known } = progress;
  if (known.step !== stepOf(basename(folder)))
    throw new StateFileError(`${path} is of step ${known.step}, its folder of another. ${wayOut}`);
  if ((await fileHash(join(folder, TRAINING_STATE_FILE), "sha256")) !== hash)
    throw new StateFileError(
      `${join(folder, TRAINING_STATE_FILE)} is damaged, or of another step than ${PROGRESS} beside it. ${wayOut}`,
    );
  return known;
}

/** What a user whose newest checkpoint is damaged can do. */
async function otherWay(folder: string): Promise<string> {
  const names = await readdir(dirname(folder)).catch(() => [] as string[]);
  const before = Math.max(...names.map(stepOf).filter((step) => step >= 0 && step < stepOf(basename(folder))));
  return Number.isFinite(before)
    ? `Remove ${folder} to go on from ${folderOf(before)}.`
    : `Remove ${folder} to begin the run anew.`;
}
