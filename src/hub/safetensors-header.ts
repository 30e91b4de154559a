/** @file Reads the header of one safetensors file and believes nothing in it before it is checked. */
import type { FileHandle } from "node:fs/promises";
import { byteLength, DTYPE_BYTES, type Dtype, isDtype } from "./dtype.ts";
import { CheckpointError } from "./errors.ts";
import { LFS_POINTER, refuseLfsPointer } from "./lfs-pointer.ts";
import { readExactly } from "./read-exactly.ts";
import { parseStrictJson } from "./strict-json.ts";

/** Where a tensor lies on disk. */
export interface TensorInfo {
  dtype: Dtype;
  shape: number[];
  /** Path of the file that holds it. */
  file: string;
  /** First byte, counted from the start of the file (not from the start of the data part). */
  offset: number;
  /** Length in bytes. */
  bytes: number;
}

/** What one safetensors file holds, in the order of the data. */
export interface SafetensorsHeader {
  tensors: Map<string, TensorInfo>;
  metadata: Map<string, string>;
}

/** The original library's own limit on the header (MAX_HEADER_SIZE in safetensors/src/tensor.rs). */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;
/** No tensor of a model has more axes; a longer list is an attack on memory. */
const MAX_AXES = 64;

/**
 * Reads and validates a safetensors header: 8 bytes little-endian length, JSON, then the data without holes or overlaps
 * up to the last byte of the file (https://github.com/huggingface/safetensors#format).
 *
 * @param handle an open file; @param file its path, for messages
 * @throws CheckpointError naming the file, the tensor, what was found and what was expected
 * @example const { tensors } = await readSafetensorsHeader(handle, "model.safetensors");
 */
export async function readSafetensorsHeader(handle: FileHandle, file: string): Promise<SafetensorsHeader> {
  const { size } = await handle.stat();
  if (size < LENGTH_BYTES)
    throw new CheckpointError(
      file,
      `is not a safetensors file: ${size} bytes, shorter than the 8 bytes of the header length`,
    );
  const lengthBytes = await readExactly(handle, file, 0, LENGTH_BYTES);
  if (String.fromCharCode(...lengthBytes) === LFS_POINTER.slice(0, LENGTH_BYTES)) refuseLfsPointer(file);
  const length = Number(Buffer.from(lengthBytes.buffer, lengthBytes.byteOffset, LENGTH_BYTES).readBigUInt64LE());
  if (length > MAX_HEADER_BYTES)
    throw new CheckpointError(
      file,
      `is not a safetensors file: it announces a header of ${length} bytes, the limit is ${MAX_HEADER_BYTES}`,
    );
  if (length > size - LENGTH_BYTES)
    throw new CheckpointError(
      file,
      `is cut short or not a safetensors file: it announces a header of ${length} bytes, but only ${size - LENGTH_BYTES} follow`,
    );
  const text = decodeUtf8(await readExactly(handle, file, LENGTH_BYTES, length), file);
  return parseHeader(text, file, LENGTH_BYTES + length, size);
}

function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CheckpointError(file, "the header is not valid UTF-8", undefined, { cause });
  }
}

/** Checks the JSON text of a header against the size of its file; exported for the fuzz test. */
export function parseHeader(text: string, file: string, dataStart: number, fileSize: number): SafetensorsHeader {
  let root: unknown;
  try {
    root = parseStrictJson(text);
  } catch (cause) {
    throw new CheckpointError(file, `the header is not usable JSON: ${(cause as Error).message}`, undefined, { cause });
  }
  if (!isObject(root)) throw new CheckpointError(file, `the header is ${describe(root)}, expected a JSON object`);

  const found: [string, TensorInfo][] = [];
  let metadata = new Map<string, string>();
  for (const [name, entry] of Object.entries(root)) {
    if (name === "__metadata__") metadata = parseMetadata(entry, file);
    else found.push([name, parseTensor(name, entry, file, dataStart)]);
  }
  // Sorting by (begin, end) puts an empty tensor before the one that starts at the same byte.
  found.sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  refuseHolesAndOverlaps(found, file, dataStart, fileSize);
  return { tensors: new Map(found), metadata };
}

function parseMetadata(entry: unknown, file: string): Map<string, string> {
  if (!isObject(entry))
    throw new CheckpointError(file, `__metadata__ is ${describe(entry)}, expected an object of strings`);
  const metadata = new Map<string, string>();
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== "string")
      throw new CheckpointError(file, `__metadata__ ${JSON.stringify(key)} is ${describe(value)}, expected a string`);
    metadata.set(key, value);
  }
  return metadata;
}

function parseTensor(name: string, entry: unknown, file: string, dataStart: number): TensorInfo {
  const fail = (what: string) => new CheckpointError(file, `tensor ${JSON.stringify(name)}: ${what}`, name);
  if (!isObject(entry))
    throw fail(`its entry is ${describe(entry)}, expected an object with dtype, shape and data_offsets`);
  for (const key of ["dtype", "shape", "data_offsets"])
    if (!Object.hasOwn(entry, key)) throw fail(`its entry has no ${key}`);
  const { dtype, shape, data_offsets: range } = entry;
  if (!isDtype(dtype))
    throw fail(`dtype ${describe(dtype)} is not supported, expected one of ${Object.keys(DTYPE_BYTES).join(", ")}`);
  if (!isListOfSizes(shape)) throw fail(`shape ${describe(shape)} is not a list of at most ${MAX_AXES} sizes`);
  if (!isListOfSizes(range) || range.length !== 2)
    throw fail(`data_offsets ${describe(range)} is not a pair [begin, end] of byte counts`);
  const [begin, end] = range as [number, number];
  if (end < begin) throw fail(`data_offsets [${begin}, ${end}] end before they begin`);
  const bytes = byteLength(dtype, shape);
  if (bytes !== end - begin)
    throw fail(
      `shape [${shape.join(", ")}] of ${dtype} needs ${bytes ?? "more than 2^53"} bytes, data_offsets hold ${end - begin}`,
    );
  return { dtype, shape, file, offset: dataStart + begin, bytes };
}

/** The format demands that every byte of the data part belongs to exactly one tensor, and none lies outside the file. */
function refuseHolesAndOverlaps(
  sorted: [string, TensorInfo][],
  file: string,
  dataStart: number,
  fileSize: number,
): void {
  let next = dataStart;
  let previous = "the header";
  for (const [name, info] of sorted) {
    const label = `tensor ${JSON.stringify(name)}`;
    if (info.offset < next)
      throw new CheckpointError(
        file,
        `${label} overlaps ${previous}: it starts at byte ${info.offset}, expected ${next}`,
        name,
      );
    if (info.offset > next)
      throw new CheckpointError(
        file,
        `there is a hole of ${info.offset - next} bytes between ${previous} and ${label}`,
        name,
      );
    next = info.offset + info.bytes;
    if (next > fileSize)
      throw new CheckpointError(
        file,
        `${label} ends at byte ${next}, but the file has only ${fileSize}: it is cut short, or its header is wrong`,
        name,
      );
    previous = label;
  }
  if (next !== fileSize)
    throw new CheckpointError(file, `${fileSize - next} bytes after ${previous} belong to no tensor`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOfSizes(value: unknown): value is number[] {
  return (
    Array.isArray(value) && value.length <= MAX_AXES && value.every((size) => Number.isSafeInteger(size) && size >= 0)
  );
}

/** A short rendering of a value from the header, safe to print whatever it is. */
function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
