/** @file Small files that are there as a whole or not at all, whatever kills the process. */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { temporaryBeside } from "./temporary.ts";

/**
 * Writes a file under a temporary name, makes it durable and renames it: readers see the old content or the new one,
 * never a part, also after a power cut.
 * @throws the system's error, such as ENOSPC; the old file stays and nothing is left beside it
 * @example await writeWhole("runs/a/run.json", JSON.stringify(settings))
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes a rename in this folder survive a power cut; folders cannot be opened on Windows, where it is not needed. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
