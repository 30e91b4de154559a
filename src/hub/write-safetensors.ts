/** @file Writes a safetensors file tensor by tensor, so that a checkpoint larger than memory can be written, and all or nothing. */
import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { makeFolder, syncFolder, temporaryBeside } from "../common/node.ts";
import { byteLength, type Dtype, dtypeRank, isDtype } from "./dtype.ts";

/** A tensor to write: its bytes are asked for when its turn comes, at once (`bytes`) or in pieces (`chunks`). */
export type TensorToWrite = { name: string; dtype: Dtype; shape: readonly number[] } & (
  | { bytes(): Uint8Array | Promise<Uint8Array> }
  | { chunks(): Iterable<Uint8Array> | AsyncIterable<Uint8Array> }
);

/**
 * Writes tensors as one safetensors file: types of greater alignment first, then by name, header padded to 8 bytes, the
 * same bytes as the original library writes. The file appears under its name only when it is complete and on disk;
 * an error (disk full, a tensor of the wrong length, an exception from `chunks`) leaves nothing behind and keeps an older file.
 *
 * @param path the file; its folder is made if need be
 * @param metadata strings for `__metadata__`; PyTorch's readers want `{ format: "pt" }`
 * @returns the SHA-256 of the file, in hexadecimal
 * @throws RangeError when a tensor is named twice or delivers another number of bytes than its shape needs
 * @example
 * await writeSafetensors("out/model.safetensors", [{ name: "w", dtype: "F32", shape: [2], bytes: () => new Uint8Array(8) }]);
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata?: Readonly<Record<string, string>>,
): Promise<string> {
  const target = resolve(path);
  const { header, sorted } = layOut(tensors, metadata);
  await makeFolder(dirname(target));
  // Beside the target: a rename is atomic only within one file system.
  const temporary = temporaryBeside(target);
  const hash = createHash("sha256");
  try {
    const handle = await open(temporary, "wx");
    try {
      const write = async (bytes: Uint8Array) => {
        hash.update(bytes);
        await writeAll(handle, bytes);
      };
      await write(header);
      for (const each of sorted) await writeTensor(write, each);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
    await syncFolder(dirname(target));
    return hash.digest("hex");
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A tensor and the number of bytes that its shape demands. */
interface Sized {
  tensor: TensorToWrite;
  length: number;
}

/** Sorts the tensors as the original library does and builds length prefix + header. */
export function layOut(
  tensors: Iterable<TensorToWrite>,
  metadata?: Readonly<Record<string, string>>,
): { header: Uint8Array; sorted: Sized[] } {
  const sorted = [...tensors].map((tensor): Sized => ({ tensor, length: lengthOf(tensor) }));
  // Names are compared by their UTF-8 bytes, as Rust compares strings.
  sorted.sort(
    ({ tensor: a }, { tensor: b }) =>
      dtypeRank(b.dtype) - dtypeRank(a.dtype) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  );
  const entries: string[] = [];
  if (metadata) entries.push(`"__metadata__":${JSON.stringify(metadata)}`);
  const names = new Set<string>();
  let offset = 0;
  // Entries are joined as text: an object would put names that look like numbers first and lose "__proto__".
  for (const { tensor, length } of sorted) {
    const { name, dtype, shape } = tensor;
    if (names.has(name)) throw new RangeError(`tensor ${JSON.stringify(name)} is given twice`);
    names.add(name);
    const end = offset + length;
    entries.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[${offset},${end}]}`,
    );
    offset = end;
  }
  const json = Buffer.from(`{${entries.join(",")}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + padded, " ");
  header.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(header, 8);
  return { header, sorted };
}

function lengthOf({ name, dtype, shape }: TensorToWrite): number {
  const label = `tensor ${JSON.stringify(name)}`;
  if (name === "__metadata__") throw new RangeError(`${label}: the format keeps this name for itself`);
  if (!isDtype(dtype)) throw new RangeError(`${label}: ${dtype} is not a safetensors type`);
  const length = shape.every((size) => Number.isSafeInteger(size) && size >= 0) ? byteLength(dtype, shape) : undefined;
  if (length === undefined) throw new RangeError(`${label}: shape [${shape.join(", ")}] is not a list of sizes`);
  return length;
}

async function writeTensor(write: (bytes: Uint8Array) => Promise<void>, { tensor, length }: Sized): Promise<void> {
  const label = `tensor ${JSON.stringify(tensor.name)}: `;
  let written = 0;
  const pieces = "bytes" in tensor ? [await tensor.bytes()] : tensor.chunks();
  for await (const piece of pieces) {
    written += piece.length;
    if (written > length) throw new RangeError(`${label}delivered more than the ${length} bytes that its shape needs`);
    await write(piece);
  }
  if (written !== length) throw new RangeError(`${label}delivered ${written} bytes, its shape needs ${length}`);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += (await handle.write(bytes, done)).bytesWritten;
}
