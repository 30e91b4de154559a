/** @file Makes a checkpoint's graphs and weights ready to load, once: later starts find them in the cache. */
import { createHash } from "node:crypto";
import { mkdir, rename, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, note, removeRemains, temporaryBeside, withLock } from "../common/node.ts";
import { ExternalData, serialize } from "../graph/index.ts";
import { type Checkpoint, checkTensors } from "../hub/index.ts";
import { listParameters, type ModelConfig } from "../model/index.ts";
import { type ColumnFactors, scaledTensors } from "../passes/index.ts";
import type { Runtime } from "../runtime/index.ts";
import { writableCacheFolder } from "./cache-folder.ts";
import { checkpointIdentity } from "./identity.ts";
import { damagedSinceBoot, graphPaths, markWhole, PACKAGE_VERSION, wholeManifest, writeManifest } from "./manifest.ts";
import { availableKernels, kernelsLibrary, type Preset, type PresetOptions, presetGraphs } from "./presets.ts";
import { QuantizePool } from "./quantize-pool.ts";
import { tensorReader, writeWeights } from "./write-weights.ts";

const WEIGHTS = "weights.data";
/** Room left on the disk beside what is written, so that compiling does not fill it to the last byte. */
const DISK_RESERVE = 64 * 1024 * 1024;

/** Paths of the graphs of a compiled model. */
export interface CompiledModel {
  folder: string;
  vision: string;
  prefill: string;
  decode: string;
  /** The kernel library that the graphs need; undefined when ONNX Runtime alone runs them. */
  customOps: string | undefined;
  /** Whether this call wrote the files, or found them. */
  fresh: boolean;
}

/** What calibration found out about the inputs of layers. */
export interface Calibration {
  /** Another calibration gives other files. */
  id: string;
  /** `feedbackFactor` of each layer's inputs, by the name of its weight. */
  factors: ReadonlyMap<string, Float64Array>;
  /** From smoothing: norms and the layers after them, scaled so that their products stay what they were. */
  columns?: ColumnFactors;
}

export interface CompileOptions extends PresetOptions {
  preset: Preset;
  /** Rounds the layers that it knows with error feedback, and smooths what it has factors of columns for. */
  calibration?: Calibration;
  /** What will run the graphs: another version gets files of its own, and without `kernels` those that it has are used. */
  runtime: Pick<Runtime, "version" | "kernels">;
  cacheDir?: string;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
  /** Free bytes of a folder's disk; replaced in tests. */
  freeBytes?: (folder: string) => Promise<number>;
}

/**
 * Finds or makes the compiled form of a checkpoint: `<cache>/compiled/<key>/` with one ONNX file per graph and one file of
 * weights. The folder appears whole or not at all, also when two processes compile at once or one is killed.
 * @throws CheckpointError listing every tensor that does not fit config.json, before anything is written.
 * @throws Error when the disk has not enough room, before anything is written.
 * @example const { vision } = await compileCheckpoint(checkpoint, config, { preset: "fp32", runtime: nativeRuntime() });
 */
export async function compileCheckpoint(
  checkpoint: Checkpoint,
  config: ModelConfig,
  options: CompileOptions,
): Promise<CompiledModel> {
  checkTensors(
    checkpoint,
    listParameters(config).filter((parameter) => parameter.required),
  );
  const { runtime } = options;
  const kernels = options.kernels ?? availableKernels(runtime, options.device);
  const { files, data } = serializeGraphs(config, options.preset, { ...options, kernels });
  const cacheDir = await writableCacheFolder(options.cacheDir);
  const root = join(cacheDir, "compiled");
  const key = createHash("sha256").update(`${PACKAGE_VERSION} ${runtime.version} ${options.preset}\n`);
  const identity = await checkpointIdentity(checkpoint);
  key.update(identity).update(options.calibration?.id ?? "");
  for (const [name, bytes] of files) key.update(name).update(bytes);
  // Recipes decide the bytes of weights and are not part of the graphs.
  for (const [name, { weight }] of data.places)
    key.update(`${name} ${JSON.stringify(weight.node.attrs.recipe ?? null)}\n`);
  const folder = join(root, key.digest("hex").slice(0, 32));
  const compiled = (fresh: boolean): CompiledModel => {
    const customOps = kernelsLibrary(runtime, kernels);
    return { folder, ...graphPaths(folder, (name) => files.has(name)), customOps, fresh };
  };
  if (await isWhole(folder, { cacheDir, signal: options.signal })) return compiled(false);

  options.signal?.throwIfAborted();
  await makeFolder(root);
  const what = `compiling ${checkpoint.folder} as ${options.preset}`;
  return withLock(`${folder}.lock`, { what, signal: options.signal }, async () => {
    // Whoever held the lock before may have done the work.
    if (await isWhole(folder, { cacheDir, signal: options.signal })) return compiled(false);
    await rm(folder, { recursive: true, force: true }); // damaged, or not there
    await removeRemains(folder, true);
    const needed = data.bytes + [...files.values()].reduce((sum, bytes) => sum + bytes.byteLength, 0);
    await checkDisk(root, needed, options.freeBytes ?? freeBytesOf);
    const temporary = temporaryBeside(folder);
    try {
      await mkdir(temporary);
      await using maker = new QuantizePool(options.calibration?.factors);
      const reader = scaledTensors(tensorReader(checkpoint), options.calibration?.columns ?? new Map());
      await writeWeights(join(temporary, WEIGHTS), data, reader, { ...options, maker });
      for (const [name, bytes] of files) await writeFile(join(temporary, name), bytes);
      const about = {
        flashvl: PACKAGE_VERSION,
        runtime: runtime.version,
        preset: options.preset,
        checkpoint: checkpoint.folder,
        identity,
      };
      const manifest = await writeManifest(temporary, about, [WEIGHTS, ...files.keys()], options.signal);
      options.signal?.throwIfAborted();
      await rename(temporary, folder);
      await markWhole(folder, manifest, cacheDir);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      // Another machine may have taken the lock over while this one slept; its files are as good as ours.
      if (!(await wholeManifest(folder))) throw error;
    }
    return compiled(true);
  });
}

function serializeGraphs(
  config: ModelConfig,
  preset: Preset,
  options: PresetOptions,
): { files: Map<string, Uint8Array>; data: ExternalData } {
  const graphs = presetGraphs(preset, config, options);
  const data = new ExternalData(WEIGHTS);
  const files = new Map([
    ["vision.onnx", serialize(graphs.vision, data).bytes],
    ["decode.onnx", serialize(graphs.decode, data).bytes],
  ]);
  if (graphs.prefill !== graphs.decode) files.set("prefill.onnx", serialize(graphs.prefill, data).bytes);
  return { files, data };
}

/** Whether every file is what was written; a damaged one is told, since its folder is then compiled anew. */
async function isWhole(folder: string, options: { cacheDir?: string; signal?: AbortSignal }): Promise<boolean> {
  const manifest = await wholeManifest(folder);
  if (!manifest) return false;
  const damaged = await damagedSinceBoot(folder, manifest, options);
  if (damaged.length > 0) note(`${join(folder, damaged[0]!)} is damaged: the graphs are compiled anew.`);
  return damaged.length === 0;
}

const freeBytesOf = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

async function checkDisk(root: string, needed: number, freeBytes: (folder: string) => Promise<number>): Promise<void> {
  const free = await freeBytes(root);
  if (free >= needed + DISK_RESERVE) return;
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  const message =
    `Compiling needs ${gib(needed + DISK_RESERVE)} in ${root}; the disk has ${gib(free)} free. ` +
    "Free some room, or choose another folder with cacheDir or FLASHVL_CACHE.";
  throw Object.assign(new Error(message), { code: "ENOSPC" });
}
