/** @file Streams weights into the external-data file that the graphs of a model share. */
import { open } from "node:fs/promises";
import type { ExternalData } from "../graph/index.ts";
import type { Checkpoint } from "../hub/index.ts";
import { type TensorReader, type WeightMaker, weightBytes } from "../passes/index.ts";

/** A checkpoint as the model room reads it. */
export const tensorReader = (checkpoint: Checkpoint): TensorReader => ({
  info(name) {
    const info = checkpoint.tensors.get(name);
    if (!info) throw new Error(`The checkpoint ${checkpoint.folder} has no tensor "${name}".`);
    return info;
  },
  readRange: (name, start, end) => checkpoint.readRange(name, start, end),
});

export interface WriteWeightsOptions {
  /** Bytes written and bytes in all, after every chunk. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
  /** Who quantises; this thread by default. */
  maker?: WeightMaker;
}

/**
 * Writes every placed weight at its offset and makes the file durable. One chunk is in memory at a time.
 * @throws Error when a weight comes out with another size than its place has.
 */
export async function writeWeights(
  path: string,
  data: ExternalData,
  reader: TensorReader,
  { onProgress, signal, maker }: WriteWeightsOptions = {},
): Promise<void> {
  const file = await open(path, "wx");
  try {
    for (const [name, { weight, offset, bytes }] of data.places) {
      let at = offset;
      for await (const chunk of weightBytes(weight, reader, maker)) {
        signal?.throwIfAborted();
        await writeFully(file, chunk, at);
        at += chunk.byteLength;
        onProgress?.(at, data.bytes);
      }
      if (at !== offset + bytes) {
        throw new Error(`Weight "${name}" came out as ${at - offset} bytes; its place in the graph has ${bytes}.`);
      }
    }
    // Places may end in padding that nothing wrote.
    await file.truncate(data.bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeFully(file: Awaited<ReturnType<typeof open>>, chunk: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < chunk.byteLength) {
    const { bytesWritten } = await file.write(chunk, written, chunk.byteLength - written, position + written);
    written += bytesWritten;
  }
}
