/** @file A checkpoint folder: its config.json and its tensors, read piece by piece from one or several safetensors files. */
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { CheckpointError, HubError } from "./errors.ts";
import { readExactly } from "./read-exactly.ts";
import { readSafetensorsHeader, type TensorInfo } from "./safetensors-header.ts";
import { parseStrictJson } from "./strict-json.ts";

const SINGLE_FILE = "model.safetensors";
const INDEX_FILE = "model.safetensors.index.json";
/** Config and tokenizer files are a few megabytes; more is not a model's JSON. */
const MAX_JSON_BYTES = 256 * 2 ** 20;

/** An open checkpoint. Tensor data stays on disk until it is asked for; `close` releases the file handles. */
export interface Checkpoint {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** What config.json holds, unvalidated. */
  readonly config: unknown;
  /** Every tensor by name. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The weight files, absolute paths. */
  readonly files: readonly string[];
  /** `__metadata__` of the weight files, the last file's entry where they disagree. */
  readonly metadata: ReadonlyMap<string, string>;
  /** All bytes of a tensor, in a fresh array that starts at an address fit for every element type. */
  readTensor(name: string): Promise<Uint8Array>;
  /** Bytes [start, end) of a tensor; pass `target` (of that length) to reuse a buffer. */
  readRange(name: string, start: number, end: number, target?: Uint8Array): Promise<Uint8Array>;
  /** Another JSON file of the folder, e.g. "generation_config.json"; undefined where there is none. */
  readJson(name: string): Promise<unknown>;
  /** Closes the files; reads after it fail. */
  close(): Promise<void>;
}

/**
 * Opens a checkpoint folder: config.json, and model.safetensors or the shards that model.safetensors.index.json names.
 * Only headers are read.
 *
 * @throws HubError "not-found" when the folder or its weights are missing
 * @throws CheckpointError when a file is not what it should be
 * @example
 * const checkpoint = await openCheckpoint("models/flashvl-tiny");
 * const bytes = await checkpoint.readTensor("llm.lm_head.weight");
 * await checkpoint.close();
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const root = resolve(folder);
  if (!(await isFolder(root)))
    throw new HubError("not-found", `${root}: no such folder; expected one with config.json and *.safetensors`);
  const config = await readJsonFile(join(root, "config.json"));
  if (config === undefined)
    throw new HubError("not-found", `${root}: there is no config.json, so this is not a checkpoint folder`);

  const handles = new Map<string, FileHandle>();
  const close = async () => {
    await Promise.all([...handles.values()].map((handle) => handle.close()));
    handles.clear();
  };
  try {
    const { tensors, metadata } = await openWeights(root, handles);
    const files = [...handles.keys()];
    return new OpenCheckpoint(root, config, tensors, metadata, files, handles, close);
  } catch (error) {
    await close();
    throw error;
  }
}

class OpenCheckpoint implements Checkpoint {
  constructor(
    readonly folder: string,
    readonly config: unknown,
    readonly tensors: ReadonlyMap<string, TensorInfo>,
    readonly metadata: ReadonlyMap<string, string>,
    readonly files: readonly string[],
    private readonly handles: ReadonlyMap<string, FileHandle>,
    readonly close: () => Promise<void>,
  ) {}

  readTensor(name: string): Promise<Uint8Array> {
    return this.readRange(name, 0, this.tensors.get(name)?.bytes ?? 0);
  }

  async readRange(name: string, start: number, end: number, target?: Uint8Array): Promise<Uint8Array> {
    const info = this.tensors.get(name);
    if (!info) throw new CheckpointError(this.folder, `there is no tensor ${JSON.stringify(name)}`, name);
    if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= info.bytes))
      throw new RangeError(`tensor ${name}: bytes [${start}, ${end}) are not within its ${info.bytes} bytes`);
    if (target && target.length !== end - start)
      throw new RangeError(`tensor ${name}: the target has ${target.length} bytes, expected ${end - start}`);
    const handle = this.handles.get(info.file);
    if (!handle) throw new CheckpointError(info.file, "the checkpoint is closed");
    return readExactly(handle, info.file, info.offset + start, end - start, target);
  }

  readJson(name: string): Promise<unknown> {
    if (name !== basename(name)) throw new RangeError(`readJson takes a file name, found ${JSON.stringify(name)}`);
    return readJsonFile(join(this.folder, name));
  }
}

interface Weights {
  tensors: Map<string, TensorInfo>;
  metadata: Map<string, string>;
}

async function openWeights(root: string, handles: Map<string, FileHandle>): Promise<Weights> {
  const single = join(root, SINGLE_FILE);
  // As in transformers: the single file wins where a folder holds both.
  if (await isFile(single)) return openFile(single, handles);
  const indexFile = join(root, INDEX_FILE);
  const index = await readJsonFile(indexFile);
  if (index === undefined)
    throw new HubError(
      "not-found",
      `${root}: found neither ${SINGLE_FILE} nor ${INDEX_FILE}; weights in other formats are not read`,
    );

  const tensors = new Map<string, TensorInfo>();
  const metadata = new Map<string, string>();
  for (const [shard, names] of shardsOf(index, indexFile)) {
    const file = join(root, shard);
    if (!(await isFile(file))) throw new CheckpointError(indexFile, `the shard ${shard} that it names is missing`);
    const part = await openFile(file, handles);
    for (const [key, value] of part.metadata) metadata.set(key, value);
    for (const name of names) {
      const info = part.tensors.get(name);
      if (!info)
        throw new CheckpointError(
          indexFile,
          `tensor ${JSON.stringify(name)} is not in ${shard} as the index says`,
          name,
        );
      tensors.set(name, info);
    }
  }
  return { tensors, metadata };
}

async function openFile(file: string, handles: Map<string, FileHandle>): Promise<Weights> {
  const handle = await open(file, "r");
  handles.set(file, handle);
  return readSafetensorsHeader(handle, file);
}

/** The index's `weight_map` turned around: shard file name -> tensor names. */
function shardsOf(index: unknown, file: string): Map<string, string[]> {
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== "object" || map === null || Array.isArray(map))
    throw new CheckpointError(file, "weight_map is missing, expected an object of tensor name -> file name");
  const shards = new Map<string, string[]>();
  for (const [name, shard] of Object.entries(map)) {
    // A path would let a downloaded index read any file of the machine.
    if (
      typeof shard !== "string" ||
      shard !== basename(shard) ||
      shard.includes("\\") ||
      !shard.endsWith(".safetensors")
    )
      throw new CheckpointError(
        file,
        `tensor ${JSON.stringify(name)} is mapped to ${JSON.stringify(shard)}, expected a *.safetensors file name`,
        name,
      );
    const names = shards.get(shard);
    if (names) names.push(name);
    else shards.set(shard, [name]);
  }
  return shards;
}

/** Parses a JSON file strictly; undefined when it does not exist. */
async function readJsonFile(file: string): Promise<unknown> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > MAX_JSON_BYTES)
      throw new CheckpointError(file, `has ${size} bytes, expected at most ${MAX_JSON_BYTES} for a JSON file`);
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return parseStrictJson(text);
  } catch (cause) {
    throw new CheckpointError(file, `is not usable JSON: ${(cause as Error).message}`, undefined, { cause });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}
