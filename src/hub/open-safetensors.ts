/** @file Opens one safetensors file on its own, for state and reference files that are no checkpoint. */
import { open } from "node:fs/promises";
import { CheckpointError } from "./errors.ts";
import { readExactly } from "./read-exactly.ts";
import { readSafetensorsHeader, type TensorInfo } from "./safetensors-header.ts";

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** All bytes of a tensor, in a fresh array. */
  readTensor(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file; only the header is read.
 * @throws CheckpointError when the file is not valid, or a tensor is asked for that it lacks
 * @example const file = await openSafetensors("expected.safetensors");
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await open(path, "r");
  try {
    const { tensors } = await readSafetensorsHeader(handle, path);
    return {
      tensors,
      async readTensor(name) {
        const info = tensors.get(name);
        if (!info) throw new CheckpointError(path, `there is no tensor ${JSON.stringify(name)}`, name);
        return readExactly(handle, path, info.offset, info.bytes);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
