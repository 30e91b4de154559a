/** @file One open safetensors file: its tensors by name, read from disk when they are asked for. */
import { open } from "node:fs/promises";
import { CheckpointError } from "./errors.ts";
import { readExactly } from "./read-exactly.ts";
import { readSafetensorsHeader, type TensorInfo } from "./safetensors-header.ts";

/** An open safetensors file. Reads are positional and may run at the same time. */
export interface SafetensorsFile {
  readonly path: string;
  /** Every tensor by name, in the order of the data. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** What `__metadata__` says. */
  readonly metadata: ReadonlyMap<string, string>;
  /** All bytes of a tensor, in a fresh array that starts at an address fit for every element type. */
  readTensor(name: string): Promise<Uint8Array>;
  /** Bytes [start, end) of a tensor; pass `target` (of that length) to reuse a buffer. */
  readRange(name: string, start: number, end: number, target?: Uint8Array): Promise<Uint8Array>;
  /** Closes the file; reads after it fail. */
  close(): Promise<void>;
}

/**
 * Opens a safetensors file; only the header is read.
 *
 * @throws CheckpointError when the file is not valid; reads throw it for a tensor that the file lacks
 * @example
 * const file = await openSafetensors("expected.safetensors");
 * const logits = toF32(await file.readTensor("logits"), "F32");
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await open(path, "r");
  let closed = false;
  const close = async () => {
    closed = true;
    await handle.close();
  };
  try {
    const { tensors, metadata } = await readSafetensorsHeader(handle, path);
    const infoOf = (name: string): TensorInfo => {
      if (closed) throw new CheckpointError(path, "is closed");
      const info = tensors.get(name);
      if (!info) throw new CheckpointError(path, `there is no tensor ${JSON.stringify(name)}`, name);
      return info;
    };
    return {
      path,
      tensors,
      metadata,
      async readTensor(name) {
        const { offset, bytes } = infoOf(name);
        return readExactly(handle, path, offset, bytes);
      },
      async readRange(name, start, end, target) {
        const { offset, bytes } = infoOf(name);
        if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= bytes))
          throw new RangeError(`tensor ${name}: bytes [${start}, ${end}) are not within its ${bytes} bytes`);
        if (target && target.length !== end - start)
          throw new RangeError(`tensor ${name}: the target has ${target.length} bytes, expected ${end - start}`);
        return readExactly(handle, path, offset + start, end - start, target);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
