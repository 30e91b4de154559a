/** @file Where the chunks of models are kept: in the origin's private file system, or in memory where there is none. */
import type { Chunk } from "../manifest.ts";
import { canWrite, overwrite, storageFolder } from "./private-files.ts";
import { StorageError } from "./storage-error.ts";

/** Chunks by their content. */
export interface ChunkStore {
  readonly kind: "opfs" | "memory";
  /** A chunk that is there as a whole; nothing of it is read yet. */
  get(chunk: Chunk): Promise<Blob | undefined>;
  /** @throws StorageError when there is no room */
  put(chunk: Chunk, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Name of a chunk's file. */
export const chunkName = ({ sha256 }: Chunk): string => sha256;

/**
 * The store that this thread can have.
 * @param wanted "auto" for files where there are any, else memory
 * @throws StorageError when files are wanted and there are none
 */
export async function openStore(wanted: "auto" | "opfs" | "memory"): Promise<ChunkStore> {
  if (wanted === "memory") return memoryStore();
  try {
    return await fileStore();
  } catch (cause) {
    if (wanted === "auto") return memoryStore();
    throw new StorageError(
      'This browser gives the page no private file system (private windows have none); use storage "memory".',
      "unavailable",
      { cause },
    );
  }
}

async function fileStore(): Promise<ChunkStore> {
  const folder = await storageFolder("chunks");
  if (!canWrite()) throw new Error("Files are written by workers only.");
  return {
    kind: "opfs",
    async get(chunk) {
      const file = await folder.getFileHandle(chunkName(chunk)).then(
        (handle) => handle.getFile(),
        () => undefined,
      );
      // A tab that is closed while it writes leaves a shorter file.
      return file?.size === chunk.bytes ? file : undefined;
    },
    async put(chunk, bytes) {
      const name = chunkName(chunk);
      const handle = await folder.getFileHandle(name, { create: true });
      await overwrite(handle, bytes);
    },
  };
}

function memoryStore(): ChunkStore {
  const chunks = new Map<string, Blob>();
  return {
    kind: "memory",
    get: async (chunk) => chunks.get(chunkName(chunk)),
    async put(chunk, bytes) {
      chunks.set(chunkName(chunk), new Blob([bytes]));
    },
  };
}
