/** @file A checkpoint folder: its config.json and its tensors, read piece by piece from one or several safetensors files. */
import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { sizeOf } from "./cache-layout.ts";
import { CheckpointError, HubError } from "./errors.ts";
import { openSafetensors, type SafetensorsFile } from "./open-safetensors.ts";
import { readJsonFile } from "./read-json-file.ts";
import type { TensorInfo } from "./safetensors-header.ts";
import { INDEX_FILE, SINGLE_FILE } from "./snapshot-files.ts";

/** An open checkpoint. Tensor data stays on disk until it is asked for; `close` releases the file handles. */
export interface Checkpoint {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** Where config.json and the tokenizer are: another folder than `folder` where that holds an adapter. */
  readonly modelFolder: string;
  /** What config.json holds, unvalidated. */
  readonly config: unknown;
  /** Every tensor by name. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The weight files, absolute paths. */
  readonly files: readonly string[];
  /** `__metadata__` of the weight files, the last file's entry where they disagree. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The same checkpoint by the names of its files, where this one has others. */
  readonly asStored?: Checkpoint;
  /** What the file calls a tensor, where that is another name. */
  nameInFile?(name: string): string;
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
 * Opens a folder that holds a whole model.
 * @throws HubError "not-found" when the folder or its weights are missing
 * @throws CheckpointError when a file is not what it should be
 * @example const checkpoint = await openWholeCheckpoint("models/flashvl-tiny");
 */
export async function openWholeCheckpoint(folder: string): Promise<Checkpoint> {
  const root = resolve(folder);
  const isFolder = await stat(root).then(
    (info) => info.isDirectory(),
    () => false,
  );
  if (!isFolder)
    throw new HubError("not-found", `${root}: no such folder; expected one with config.json and *.safetensors`);
  const config = await readJsonFile(join(root, "config.json"));
  if (config === undefined)
    throw new HubError("not-found", `${root}: there is no config.json, so this is not a checkpoint folder`);

  const opened: SafetensorsFile[] = [];
  const close = async () => {
    await Promise.all(opened.map((file) => file.close()));
  };
  try {
    const owners = await openWeights(root, opened);
    const fileOf = (name: string): SafetensorsFile => {
      const file = owners.get(name);
      if (!file) throw new CheckpointError(root, `there is no tensor ${JSON.stringify(name)}`, name);
      return file;
    };
    return {
      folder: root,
      modelFolder: root,
      config,
      tensors: new Map([...owners].map(([name, file]) => [name, file.tensors.get(name)!])),
      files: opened.map(({ path }) => path),
      metadata: new Map(opened.flatMap(({ metadata }) => [...metadata])),
      readTensor: async (name) => fileOf(name).readTensor(name),
      readRange: async (name, start, end, target) => fileOf(name).readRange(name, start, end, target),
      async readJson(name) {
        if (name !== basename(name)) throw new RangeError(`readJson takes a file name, found ${JSON.stringify(name)}`);
        return readJsonFile(join(root, name));
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens the weight files, adds them to `opened`, and says which of them holds which tensor. */
async function openWeights(root: string, opened: SafetensorsFile[]): Promise<Map<string, SafetensorsFile>> {
  const open = async (name: string) => {
    const file = await openSafetensors(join(root, name));
    opened.push(file);
    return file;
  };
  // As in transformers: the single file wins where a folder holds both.
  if ((await sizeOf(join(root, SINGLE_FILE))) !== undefined) {
    const file = await open(SINGLE_FILE);
    return new Map([...file.tensors.keys()].map((name) => [name, file]));
  }
  const indexFile = join(root, INDEX_FILE);
  const index = await readJsonFile(indexFile);
  if (index === undefined)
    throw new HubError(
      "not-found",
      `${root}: found neither ${SINGLE_FILE} nor ${INDEX_FILE}; weights in other formats are not read`,
    );
  const owners = new Map<string, SafetensorsFile>();
  for (const [shard, names] of shardsOf(index, indexFile)) {
    if ((await sizeOf(join(root, shard))) === undefined)
      throw new CheckpointError(indexFile, `the shard ${shard} that it names is missing`);
    const file = await open(shard);
    for (const name of names) {
      if (!file.tensors.has(name))
        throw new CheckpointError(
          indexFile,
          `tensor ${JSON.stringify(name)} is not in ${shard} as the index says`,
          name,
        );
      owners.set(name, file);
    }
  }
  return owners;
}

/** The index's `weight_map` turned around: shard file name -> tensor names. */
function shardsOf(index: unknown, file: string): Map<string, string[]> {
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== "object" || map === null || Array.isArray(map))
    throw new CheckpointError(file, "weight_map is missing, expected an object of tensor name -> file name");
  const shards = new Map<string, string[]>();
  for (const [name, shard] of Object.entries(map)) {
    // A path would let a downloaded index read any file of the machine.
    const isFileName =
      typeof shard === "string" && shard === basename(shard) && !shard.includes("\\") && shard.endsWith(".safetensors");
    if (!isFileName)
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
