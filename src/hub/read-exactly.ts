/** @file Positional reads that deliver every byte asked for or say which are missing. */
import type { FileHandle } from "node:fs/promises";
import { CheckpointError } from "./errors.ts";

/** One read call of libuv takes at most 2^31 - 1 bytes; smaller steps also keep a thread of its pool from being held long. */
const MAX_READ_BYTES = 64 * 2 ** 20;

/**
 * Reads `length` bytes at `position` into `target` (a new array if none is given) without moving a file pointer.
 *
 * @throws CheckpointError when the file ends before that
 * @example const bytes = await readExactly(handle, "model.safetensors", 8, 120);
 */
export async function readExactly(
  handle: FileHandle,
  file: string,
  position: number,
  length: number,
  target: Uint8Array = new Uint8Array(length),
): Promise<Uint8Array> {
  let done = 0;
  while (done < length) {
    const step = Math.min(length - done, MAX_READ_BYTES);
    const { bytesRead } = await handle.read(target, done, step, position + done);
    if (bytesRead === 0)
      throw new CheckpointError(
        file,
        `ended at byte ${position + done} while ${length - done} more were expected: the file changed while it was open`,
      );
    done += bytesRead;
  }
  return target;
}
