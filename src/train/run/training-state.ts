/** @file Checkpoints of a run: the model in the published layout, and everything that a resumed run needs, bit for bit. */

import { cp, lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { f32ToBf16, openSafetensors, type TensorToWrite, writeSafetensors } from "../../hub/index.ts";
import { type LoraConfig, mergeLora } from "../../model/index.ts";
import { TrainingInputError } from "../input-error.ts";
import { ADAPTER_CONFIG, isLoraTensor, saveAdapter } from "../lora/peft-adapter.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import type { ParameterStore } from "../parameter-store.ts";

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

const STATE = "training.safetensors";
const PROGRESS = "progress.json";
/** Files of a run that stand beside a checkpoint's own. */
const NOT_COPIED = new Set([PROGRESS, ADAPTER_CONFIG]);
const folderOf = (step: number): string => `step-${String(step).padStart(7, "0")}`;
const stepOf = (folder: string): number => Number(/^step-(\d+)$/.exec(folder)?.[1] ?? -1);

const bytesOf = (data: Float32Array): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/**
 * The parameters of the published layout as bf16 tensors; those of a throw-away head ("see.") are left out, and a LoRA is
 * folded into the weights that it adapts.
 */
export function publishedTensors(store: ParameterStore, lora?: LoraConfig): TensorToWrite[] {
  const merged = (name: string): Float32Array => {
    const layer = name.replace(/\.weight$/, "");
    const [a, b] = [store.tensors.get(`${layer}.lora_A.weight`), store.tensors.get(`${layer}.lora_B.weight`)];
    if (!lora || !a || !b) return store.get(name);
    const copy = store.get(name).slice();
    mergeLora(copy, a.data, b.data, lora);
    return copy;
  };
  return store.parameters
    .filter((p) => /^(llm|vit|adp)\./.test(p.name) && !isLoraTensor(p.name))
    .map((p) => ({
      name: p.name,
      dtype: "BF16" as const,
      shape: p.shape,
      bytes: () => {
        const half = f32ToBf16(merged(p.name));
        return new Uint8Array(half.buffer, half.byteOffset, half.byteLength);
      },
    }));
}

/** Files beside the weights (config, tokenizer, preprocessor) that make a folder a checkpoint. */
export async function copyModelFiles(from: string, to: string): Promise<void> {
  for (const name of await readdir(from))
    if (/\.(json|txt|jinja)$/.test(name) && !name.endsWith(".index.json") && !NOT_COPIED.has(name))
      await cp(join(from, name), join(to, name));
}

export interface Checkpoints {
  /** Folder that holds `step-…` folders. */
  readonly folder: string;
  /** Folder with config.json and tokenizer files, copied into every checkpoint. */
  readonly modelFiles: string;
  /** How many to keep; the newest stay. */
  readonly keep: number;
  /** Name of a link to the newest one, such as "runs/a/last". */
  readonly link?: string;
  /** The model is the base with this LoRA: checkpoints hold the merged weights, and the adapter in PEFT's files. */
  readonly lora?: LoraConfig;
}

/** Where the run in folder `run` keeps its checkpoints, and the link that leads to the newest. */
export const checkpointsOf = (
  run: string,
  { model, keep, lora }: { model: string; keep: number; lora?: LoraConfig },
): Checkpoints & { link: string } => ({
  folder: join(run, "checkpoints"),
  modelFiles: model,
  keep,
  lora,
  link: join(run, "last"),
});

/** The newest whole checkpoint, or undefined. Folders that were being written when a run was killed have other names. */
export async function newestCheckpoint(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const steps = names.map(stepOf).filter((s) => s >= 0);
  return steps.length ? join(folder, folderOf(Math.max(...steps))) : undefined;
}

/**
 * Writes a checkpoint: complete under its name or not there at all. Older ones beyond `keep` are removed afterwards.
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
  const temporary = join(to.folder, `.writing-${folderOf(progress.step)}-${process.pid}`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  try {
    await copyModelFiles(to.modelFiles, temporary);
    await writeSafetensors(join(temporary, "model.safetensors"), publishedTensors(store, to.lora), { format: "pt" });
    if (to.lora) await saveAdapter(temporary, store, to.lora, to.modelFiles);
    const f32 = (name: string, data: Float32Array) => ({
      name,
      dtype: "F32" as const,
      shape: [data.length],
      bytes: () => bytesOf(data),
    });
    // Weights that are not trained are those of the model that the run started from.
    const state = [
      ...[...optimizer.moments.keys()].map((name) => f32(`weight.${name}`, store.get(name))),
      ...[...optimizer.moments].flatMap(([name, { m, v }]) => [
        f32(`m.${name}`, m),
        ...(v.length ? [f32(`v.${name}`, v)] : []),
      ]),
    ];
    await writeSafetensors(join(temporary, STATE), state);
    await writeFile(join(temporary, PROGRESS), `${JSON.stringify(progress)}\n`);
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
  const temporary = `${link}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
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

/** Restores weights and moments in place and returns the progress. @throws Error naming what the checkpoint lacks */
export async function loadTrainingState(
  folder: string,
  store: ParameterStore,
  optimizer: Optimizer,
): Promise<Progress> {
  const progress = JSON.parse(await readFile(join(folder, PROGRESS), "utf8")) as Progress;
  const state = await openSafetensors(join(folder, STATE));
  try {
    const restore = async (name: string, into: Float32Array) => {
      const info = state.tensors.get(name);
      if (!info || info.shape[0] !== into.length)
        throw new TrainingInputError(
          `${folder}: ${name} is ${info ? `of ${info.shape[0]} elements` : "missing"}, expected ${into.length}: was the recipe changed?`,
        );
      bytesOf(into).set(await state.readTensor(name));
    };
    for (const [name, { m, v }] of optimizer.moments) {
      await restore(`weight.${name}`, store.get(name));
      await restore(`m.${name}`, m);
      if (v.length) await restore(`v.${name}`, v);
    }
  } finally {
    await state.close();
  }
  optimizer.step = progress.step;
  return progress;
}
