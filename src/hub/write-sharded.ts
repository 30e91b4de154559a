/** @file Writes weights that are too large for one file as several, with the index that names them. */
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { makeFolder, writeWhole } from "../common/node.ts";
import { byteLength } from "./dtype.ts";
import { INDEX_FILE } from "./snapshot-files.ts";
import { type TensorToWrite, writeSafetensors } from "./write-safetensors.ts";

/** huggingface_hub's default (MAX_SHARD_SIZE in serialization/_base.py). */
export const DEFAULT_SHARD_BYTES = 5e9;

/**
 * Writes tensors in the given order as model-00001-of-0000N.safetensors ... of at most `maxShardBytes` of data each (a
 * larger tensor gets a file of its own) and model.safetensors.index.json. The index comes last, so a folder with an index
 * has all shards; when anything fails, the shards written by this call are removed.
 *
 * @returns the names of the shards
 * @throws RangeError as `writeSafetensors`
 * @example await writeShardedSafetensors("out", tensors, { format: "pt" }, 2e9);
 */
export async function writeShardedSafetensors(
  folder: string,
  tensors: Iterable<TensorToWrite>,
  metadata?: Readonly<Record<string, string>>,
  maxShardBytes = DEFAULT_SHARD_BYTES,
): Promise<string[]> {
  const root = resolve(folder);
  const shards = split(tensors, maxShardBytes);
  const number = (n: number) => String(n).padStart(5, "0");
  const names = shards.map((_, i) => `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`);
  await makeFolder(root);
  const written: string[] = [];
  const index = join(root, INDEX_FILE);
  try {
    for (const [i, shard] of shards.entries()) {
      written.push(names[i]!);
      await writeSafetensors(join(root, names[i]!), shard.tensors, metadata);
    }
    await writeWhole(index, indexOf(shards, names));
  } catch (error) {
    await Promise.all(written.map((name) => rm(join(root, name), { force: true })));
    throw error;
  }
  return names;
}

interface Shard {
  tensors: TensorToWrite[];
  bytes: number;
}

function split(tensors: Iterable<TensorToWrite>, maxShardBytes: number): Shard[] {
  const shards: Shard[] = [{ tensors: [], bytes: 0 }];
  const seen = new Set<string>();
  for (const tensor of tensors) {
    // Within one file the writer notices this; two files could both hold the name.
    if (seen.has(tensor.name)) throw new RangeError(`tensor ${JSON.stringify(tensor.name)} is given twice`);
    seen.add(tensor.name);
    const bytes = byteLength(tensor.dtype, tensor.shape) ?? 0; // an impossible shape is refused by the writer
    let last = shards.at(-1)!;
    if (last.bytes > 0 && last.bytes + bytes > maxShardBytes) {
      last = { tensors: [], bytes: 0 };
      shards.push(last);
    }
    last.tensors.push(tensor);
    last.bytes += bytes;
  }
  return shards;
}

/** As transformers writes it: the total size, then tensor name -> file, sorted by name. */
function indexOf(shards: Shard[], names: string[]): string {
  const entries = shards.flatMap(({ tensors }, i) => tensors.map(({ name }) => [name, names[i]!] as const));
  const map = entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, file]) => `    ${JSON.stringify(name)}: "${file}"`);
  const total = shards.reduce((sum, { bytes }) => sum + bytes, 0);
  return `{\n  "metadata": {\n    "total_size": ${total}\n  },\n  "weight_map": {\n${map.join(",\n")}\n  }\n}\n`;
}
