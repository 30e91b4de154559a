/** @file A lock between processes: a file that its owner keeps touching while it works. */
import { open, rm, stat, utimes } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const TOUCH_MS = 2_000;
/** A lock that was not touched for so long belonged to a process that died. */
const STALE_MS = 15_000;
const POLL_MS = 100;

/**
 * Runs `work` while holding the lock file at `path`, waiting for whoever holds it now.
 * @throws the signal's reason when it aborts while waiting.
 * @example await withFileLock("/cache/key.lock", () => compile(), signal);
 */
export async function withFileLock<Result>(
  path: string,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  while (!(await tryLock(path))) {
    if (await isStale(path)) await rm(path, { force: true });
    else await sleep(POLL_MS, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
  const touching = setInterval(() => {
    const now = new Date();
    // A lock that was removed under us (a cleared cache) is no reason to fail: the work ends in an atomic rename.
    utimes(path, now, now).catch(() => {});
  }, TOUCH_MS);
  touching.unref();
  try {
    return await work();
  } finally {
    clearInterval(touching);
    await rm(path, { force: true });
  }
}

/** Whether somebody who is alive holds the lock. */
export async function isLocked(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && Date.now() - info.mtimeMs <= STALE_MS;
}

async function tryLock(path: string): Promise<boolean> {
  try {
    await (await open(path, "wx")).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function isStale(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && Date.now() - info.mtimeMs > STALE_MS;
}
