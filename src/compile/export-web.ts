/** @file Writes a model as static files that a page loads: graphs, weights in chunks named by their content, and a manifest. */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import {
  type Chunk,
  chunkPath,
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  MANIFEST_VERSION,
  WEIGHTS_NAME,
  type WebDevice,
  type WebFile,
  type WebGraphs,
  type WebManifest,
} from "../browser/manifest.ts";
import { makeFolder, temporaryBeside } from "../common/node.ts";
import type { Checkpoint } from "../hub/index.ts";
import { listParameters, type ModelConfig } from "../model/index.ts";
import { compileCheckpoint } from "./compile-checkpoint.ts";
import { PACKAGE_VERSION } from "./manifest.ts";
import type { Preset } from "./presets.ts";
import { readCheckpoint } from "./read-checkpoint.ts";

/** Below what free hosts take per file, and little enough to be in memory while its hash is computed. */
const CHUNK_BYTES = 16 * 2 ** 20;
const MAX_CHUNK_BYTES = 256 * 2 ** 20;

const { peerDependencies } = createRequire(import.meta.url)("../../package.json") as {
  peerDependencies: Record<"onnxruntime-web", string>;
};

export interface ExportOptions {
  preset: Preset;
  /** What pages will call the model; default the name of the checkpoint's folder. */
  name?: string;
  /** Default both, as far as the preset has graphs for them. */
  devices?: readonly WebDevice[];
  /** Default 16 MiB, at most 256. */
  chunkBytes?: number;
  /** Of compiled graphs. */
  cacheDir?: string;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** What was written. */
export interface ExportedModel {
  folder: string;
  manifest: WebManifest;
  /** Bytes of all files together. */
  bytes: number;
}

/**
 * Writes a checkpoint as static files for `flashvl/web`. The folder appears whole or not at all.
 * @param out a folder that does not exist yet, or is empty
 * @throws Error when there is something in the folder; CheckpointError or RangeError when the model or the preset cannot be used
 * @example await exportWeb(checkpoint, config, "public/model", { preset: "fp32" });
 */
export async function exportWeb(
  checkpoint: Checkpoint,
  config: ModelConfig,
  out: string,
  options: ExportOptions,
): Promise<ExportedModel> {
  const { preset, chunkBytes = CHUNK_BYTES, name = basename(checkpoint.folder), signal } = options;
  if (!(Number.isInteger(chunkBytes) && chunkBytes >= 1 && chunkBytes <= MAX_CHUNK_BYTES))
    throw new RangeError(`chunkBytes must be a whole number from 1 to ${MAX_CHUNK_BYTES}; found ${chunkBytes}.`);
  const folder = resolve(out);
  await assertEmpty(folder);
  const devices = options.devices ?? devicesOf(preset);
  const description = await readCheckpoint(checkpoint, config);
  await makeFolder(dirname(folder));
  const temporary = temporaryBeside(folder);
  try {
    await mkdir(join(temporary, dirname(chunkPath({ sha256: "", bytes: 0 }))), { recursive: true });
    const files: Record<string, WebFile> = {};
    const add = async (file: string, blocks: AsyncIterable<Uint8Array>): Promise<string> => {
      files[file] = await writeChunks(temporary, blocks, signal);
      return file;
    };
    const graphs: Partial<Record<WebDevice, WebGraphs>> = {};
    for (const device of devices)
      graphs[device] = await addGraphs(add, checkpoint, config, device, { ...options, chunkBytes });
    const manifest: WebManifest = {
      format: MANIFEST_FORMAT,
      version: MANIFEST_VERSION,
      flashvl: PACKAGE_VERSION,
      onnxruntime: peerDependencies["onnxruntime-web"],
      name,
      preset,
      config,
      preprocessor: description.preprocessor,
      dialect: description.dialect,
      endTokens: [...description.endTokens],
      generation: description.generation,
      card: description.card,
      tokenizer: await addTokenizer(add, checkpoint, chunkBytes),
      embeddings: await addEmbeddings(add, checkpoint, config, chunkBytes),
      graphs,
      files,
    };
    await writeFile(join(temporary, MANIFEST_FILE), JSON.stringify(manifest));
    signal?.throwIfAborted();
    await rm(folder, { recursive: true, force: true }); // empty, or not there
    await rename(temporary, folder);
    return { folder, manifest, bytes: Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0) };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

type Add = (file: string, blocks: AsyncIterable<Uint8Array>) => Promise<string>;

/** float16 is for GPUs, rows of int8 for the CPU. */
const devicesOf = (preset: Preset): readonly WebDevice[] =>
  preset === "fp16" ? ["webgpu"] : preset === "w8a8" ? ["wasm"] : ["wasm", "webgpu"];

async function assertEmpty(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (found.length > 0)
    throw Object.assign(
      new Error(`${folder} is not empty. Name a folder that does not exist yet, or remove it first.`),
      {
        code: "EEXIST",
      },
    );
}

async function addGraphs(
  add: Add,
  checkpoint: Checkpoint,
  config: ModelConfig,
  device: WebDevice,
  { preset, chunkBytes, cacheDir, onProgress, signal }: ExportOptions & { chunkBytes: number },
): Promise<WebGraphs> {
  const float16 = preset === "fp16";
  if (float16 && device === "wasm")
    throw new RangeError('Preset fp16 is for GPUs; choose fp32, int8 or int4 for device "wasm".');
  const compiled = await compileCheckpoint(checkpoint, config, {
    preset,
    kernels: "standard",
    device: device === "wasm" ? "cpu" : "webgpu",
    activations: float16 ? "float16" : "float32",
    runtime: { version: `onnxruntime-web ${peerDependencies["onnxruntime-web"]}`, kernels: undefined },
    cacheDir,
    onProgress,
    signal,
  });
  const file = (path: string) => add(`${device}/${basename(path)}`, blocksOf(path, chunkBytes));
  const decode = await file(compiled.decode);
  return {
    vision: await file(compiled.vision),
    prefill: compiled.prefill === compiled.decode ? decode : await file(compiled.prefill),
    decode,
    weights: await file(join(compiled.folder, WEIGHTS_NAME)),
    float16,
  };
}

async function addTokenizer(add: Add, checkpoint: Checkpoint, chunkBytes: number): Promise<WebManifest["tokenizer"]> {
  const json = async (name: string) =>
    add(name, split(new TextEncoder().encode(JSON.stringify((await checkpoint.readJson(name)) ?? {})), chunkBytes));
  return { json: await json("tokenizer.json"), config: await json("tokenizer_config.json") };
}

/** The table as it is stored: a page reads single rows of it. */
async function addEmbeddings(
  add: Add,
  checkpoint: Checkpoint,
  config: ModelConfig,
  chunkBytes: number,
): Promise<WebManifest["embeddings"]> {
  const { name } = listParameters(config).find(({ role }) => role === "embeddings")!;
  const { bytes, dtype } = checkpoint.tensors.get(name)!;
  if (dtype !== "BF16" && dtype !== "F16" && dtype !== "F32")
    throw new RangeError(`Token embeddings are stored as ${dtype}; expected BF16, F16 or F32.`);
  async function* blocks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes; at += chunkBytes)
      yield await checkpoint.readRange(name, at, Math.min(bytes, at + chunkBytes));
  }
  return { file: await add("embeddings.data", blocks()), dtype };
}

async function* blocksOf(path: string, chunkBytes: number): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for (let at = 0; at < size; at += chunkBytes) {
      const block = new Uint8Array(Math.min(chunkBytes, size - at));
      for (let done = 0; done < block.length; ) {
        const { bytesRead } = await file.read(block, done, block.length - done, at + done);
        if (bytesRead === 0)
          throw new Error(`${path} ended at byte ${at + done} of ${size}: it changed while it was read.`);
        done += bytesRead;
      }
      yield block;
    }
  } finally {
    await file.close();
  }
}

async function* split(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** Writes each block under the name of its content; equal ones are one file. */
async function writeChunks(
  folder: string,
  blocks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<WebFile> {
  const chunks: Chunk[] = [];
  for await (const block of blocks) {
    signal?.throwIfAborted();
    const chunk = { sha256: createHash("sha256").update(block).digest("hex"), bytes: block.length };
    chunks.push(chunk);
    await writeFile(join(folder, chunkPath(chunk)), block);
  }
  return { bytes: chunks.reduce((sum, { bytes }) => sum + bytes, 0), chunks };
}
