/** @file The origin's private file system: its folders, and writing in place. */
import { StorageError } from "./storage-error.ts";

/** Access to a file that only workers have. TypeScript knows it only without the DOM. */
interface SyncAccessHandle {
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

const FOLDER = "flashvl";
const PROBE = "room";

async function ownFolder(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
}

/** A folder of this package. @throws DOMException where the browser denies it, as in some private windows */
export async function storageFolder(part: "chunks" | "models"): Promise<FileSystemDirectoryHandle> {
  return (await ownFolder()).getDirectoryHandle(part, { create: true });
}

/** The files of a folder. TypeScript does not know yet that folders can be walked. */
export const filesOf = (folder: FileSystemDirectoryHandle): AsyncIterable<FileSystemFileHandle> =>
  (folder as unknown as { values(): AsyncIterable<FileSystemFileHandle> }).values();

/** Whether this thread can write: only workers can. */
export const canWrite = (): boolean => "createSyncAccessHandle" in FileSystemFileHandle.prototype;

const opened = (file: FileSystemFileHandle): Promise<SyncAccessHandle> =>
  (file as unknown as { createSyncAccessHandle(): Promise<SyncAccessHandle> }).createSyncAccessHandle();

const isQuota = (error: unknown): boolean => error instanceof DOMException && error.name === "QuotaExceededError";

/**
 * Whether so many bytes fit, found out with an empty file of that size: what browsers say of their quota is no longer true, so
 * that pages learn nothing about the disk.
 */
export async function hasRoom(bytes: number): Promise<boolean> {
  return navigator.locks.request("flashvl-room", async () => {
    const folder = await ownFolder();
    const access = await opened(await folder.getFileHandle(PROBE, { create: true }));
    try {
      access.truncate(bytes);
      return true;
    } catch (error) {
      if (isQuota(error)) return false;
      throw error;
    } finally {
      access.close();
      await folder.removeEntry(PROBE);
    }
  });
}

/**
 * Replaces a file's content in place; a writable stream would copy the file first.
 * @throws StorageError when there is no room; the file is then empty
 */
export async function overwrite(file: FileSystemFileHandle, bytes: Uint8Array): Promise<void> {
  const access = await opened(file);
  try {
    access.truncate(0);
    const written = access.write(bytes, { at: 0 });
    if (written !== bytes.length) throw StorageError.full();
    access.flush();
  } catch (error) {
    access.truncate(0);
    throw isQuota(error) ? StorageError.full(error) : error;
  } finally {
    access.close();
  }
}
