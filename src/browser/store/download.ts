/** @file Brings the chunks of a model into a store: what is there is not fetched again, and what arrives is checked. */
import { retry } from "../../common/index.ts";
import { type Chunk, chunkPath } from "../manifest.ts";
import type { ChunkStore } from "./chunk-store.ts";
import { hasRoom } from "./private-files.ts";
import { StorageError } from "./storage-error.ts";

export interface DownloadOptions {
  /** Bytes that are there, and bytes in all. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** A host that cannot be reached, or does not answer as it should. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";
  /** Whether asking again may help. */
  readonly passing: boolean;

  constructor(message: string, passing: boolean, options?: ErrorOptions) {
    super(message, options);
    this.passing = passing;
  }
}

/** A host's moment of weakness, not more. */
const PATIENCE = { tries: 4, firstWaitMs: 500, longestWaitMs: 8000 };

/**
 * Fetches the chunks that the store lacks, one after the other, so that a closed tab costs at most one. Each has its hash
 * checked before it is kept. Tabs that fetch the same share the work.
 * @param base address of the folder with the manifest
 * @throws StorageError when the browser has no room for one
 * @throws DownloadError when the host does not answer, or with something else; the signal's reason
 */
export async function fetchChunks(
  base: string,
  chunks: readonly Chunk[],
  store: ChunkStore,
  { onProgress, signal }: DownloadOptions = {},
): Promise<void> {
  const total = chunks.reduce((sum, { bytes }) => sum + bytes, 0);
  const missing = await missingFrom(store, chunks);
  const needed = missing.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = total - needed;
  onProgress?.(done, total);
  for (const chunk of missing) {
    await exclusively(`flashvl-chunk ${chunk.sha256}`, signal, async () => {
      // Another tab may have fetched it meanwhile.
      if (await store.get(chunk)) return;
      const url = new URL(chunkPath(chunk), base).href;
      const bytes = await retry(
        () => fetchChunk(url, chunk, signal, (part) => onProgress?.(done + part, total)),
        (error) => (error instanceof DownloadError && error.passing ? {} : undefined),
        { ...PATIENCE, signal },
      );
      await store.put(chunk, bytes);
    });
    done += chunk.bytes;
    onProgress?.(done, total);
  }
}

async function missingFrom(store: ChunkStore, chunks: readonly Chunk[]): Promise<Chunk[]> {
  const missing: Chunk[] = [];
  for (const chunk of chunks) if (!(await store.get(chunk))) missing.push(chunk);
  return missing;
}

/**
 * Makes sure that what is missing will fit, before anything is fetched or written.
 * @throws StorageError when there is not so much room
 */
export async function assertRoom(store: ChunkStore, chunks: readonly Chunk[]): Promise<void> {
  const needed = (await missingFrom(store, chunks)).reduce((sum, { bytes }) => sum + bytes, 0);
  if (needed === 0 || (await hasRoom(needed))) return;
  const mb = `${(needed / 1e6).toFixed(1)} MB`;
  throw StorageError.full(
    undefined,
    `The model needs ${mb} more in this browser's storage, which has not so much left for this page.`,
  );
}

/** Runs `work` while no other tab or worker does so under the same name. */
function exclusively<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  return navigator.locks.request(name, { signal }, work) as Promise<T>;
}

async function fetchChunk(
  url: string,
  chunk: Chunk,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(chunk.bytes);
  let at = 0;
  const response = await ask(url, { signal });
  const reader = response.body!.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (at + part.value.length > bytes.length)
        throw new DownloadError(`${url} has more than ${chunk.bytes} bytes: the files do not belong together.`, false);
      bytes.set(part.value, at);
      at += part.value.length;
      onBytes(at);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof DownloadError) throw cause;
    throw new DownloadError(`${url} broke off after ${at} of ${chunk.bytes} bytes.`, true, { cause });
  } finally {
    void reader.cancel().catch(() => {});
  }
  if (at < chunk.bytes) throw new DownloadError(`${url} ended after ${at} of ${chunk.bytes} bytes.`, true);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== chunk.sha256)
    throw new DownloadError(
      `${url} has SHA-256 ${found}; expected ${chunk.sha256}. Upload the exported folder again, as it is.`,
      true,
    );
  return bytes;
}

/**
 * A response that is good.
 * @throws DownloadError when there is none; the signal's reason
 */
export async function ask(
  url: string,
  { signal, cache }: { signal?: AbortSignal; cache?: RequestCache } = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal: signal ?? null, cache });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new DownloadError(
      `${url} cannot be reached. Check the address and the connection; a host of another origin must allow this page (CORS).`,
      true,
      { cause },
    );
  }
  if (response.ok) return response;
  const passing = response.status === 429 || response.status >= 500;
  throw new DownloadError(
    `${url} answered with status ${response.status}; expected the exported model's file.`,
    passing,
  );
}
