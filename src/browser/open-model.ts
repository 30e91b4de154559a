/** @file From the address of an exported model to its files, stored and checked. */
import type { ChosenDevice } from "./choose-device.ts";
import { checkManifest, filesFor, MANIFEST_FILE, type WebManifest } from "./manifest.ts";
import { type ChunkStore, openStore } from "./store/chunk-store.ts";
import { ask, assertRoom, DownloadError, fetchChunks } from "./store/download.ts";
import { chunksFor, holdModel, modelAddress, readNote, writeNote } from "./store/stored-models.ts";
import type { WebOptions } from "./web-options.ts";

/** A model whose files are all there. */
export interface OpenModel extends ChosenDevice {
  manifest: WebManifest;
  /** Address of the folder with the manifest. */
  url: string;
  storage: ChunkStore["kind"];
  /** A file of the chosen device; nothing of it is read yet. */
  file(name: string): Blob;
  /** Lets other tabs remove the model. */
  release(): void;
}

/**
 * Reads the manifest, chooses a device, and fetches what the store lacks.
 * @throws DownloadError, StorageError, RuntimeError, or the signal's reason
 */
export async function openModel(
  address: string,
  { storage = "auto", onProgress, signal }: WebOptions,
  choose: (manifest: WebManifest) => Promise<ChosenDevice>,
): Promise<OpenModel> {
  const url = modelAddress(address);
  const store = await openStore(storage);
  const release = await holdModel(url, signal);
  try {
    const manifest = await readManifest(url, store, signal);
    const chosen = await choose(manifest);
    const { device, fallbacks } = chosen;
    if (store.kind === "memory" && storage === "auto")
      fallbacks.push(
        "The model is kept in memory: this browser gives the page no private files, so the next visit fetches it again.",
      );
    const chunks = chunksFor(manifest, [device]);
    if (store.kind === "opfs") {
      await assertRoom(store, chunks);
      const known = await readNote(url);
      const devices = known && sameFiles(known.manifest, manifest) ? new Set([...known.devices, device]) : [device];
      await writeNote({ url, devices: [...devices], manifest });
    }
    await fetchChunks(url, chunks, store, {
      onProgress: (done, total) => onProgress?.({ phase: "download", done, total }),
      signal,
    });
    const files = new Map<string, Blob>();
    for (const name of filesFor(manifest, device)) files.set(name, await assemble(name, manifest, store));
    return { ...chosen, manifest, url, storage: store.kind, file: (name) => files.get(name)!, release };
  } catch (error) {
    release();
    throw error;
  }
}

const sameFiles = (a: WebManifest, b: WebManifest): boolean => JSON.stringify(a.files) === JSON.stringify(b.files);

/** The host's manifest; where it cannot be reached, the one of the last visit. */
async function readManifest(url: string, store: ChunkStore, signal: AbortSignal | undefined): Promise<WebManifest> {
  const address = new URL(MANIFEST_FILE, url).href;
  try {
    const response = await ask(address, { signal, cache: "no-cache" });
    const json = await response.json().catch(() => undefined);
    return checkManifest(json, address);
  } catch (error) {
    const note =
      error instanceof DownloadError && error.passing && store.kind === "opfs" ? await readNote(url) : undefined;
    if (!note) throw error;
    return note.manifest;
  }
}

/** The chunks of a file as one. */
async function assemble(name: string, manifest: WebManifest, store: ChunkStore): Promise<Blob> {
  const chunks = await Promise.all(manifest.files[name]!.chunks.map((chunk) => store.get(chunk)));
  if (chunks.includes(undefined))
    throw new DownloadError(`The browser removed a part of ${name} while the model was opened. Open it again.`, true);
  return new Blob(chunks as Blob[]);
}
