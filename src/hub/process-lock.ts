/** @file A lock between processes: a file that its owner keeps fresh, taken over when the owner is gone. */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import type { HubSystem } from "./system.ts";

/** The owner touches its file this often ... */
const HEARTBEAT_MS = 10_000;
/** ... and one that has not been touched for this long, by the watcher's own clock, has no living owner. */
const STALE_MS = 90_000;
const POLL_MS = 300;

/**
 * Runs `work` while holding the lock `file`; waits for another holder as long as that one lives. A holder on this machine
 * that was killed is noticed at once by its process id, one on another machine when its file is no longer touched.
 *
 * A wrong takeover is possible in a window of microseconds; it would make two processes write the same bytes to the same
 * places of a download that is checked at its end, so it costs time, not correctness.
 *
 * @example await withLock(cache.lockFile, realSystem, signal, () => download());
 */
export async function withLock<T>(
  file: string,
  system: HubSystem,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const token = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  await acquire(file, token, system, signal);
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {}); // gone: somebody took the lock over, see above
  }, HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if ((await readLock(file)) === token) await rm(file, { force: true });
  }
}

async function acquire(file: string, token: string, system: HubSystem, signal: AbortSignal | undefined): Promise<void> {
  let seen = { state: "", since: 0 };
  for (;;) {
    signal?.throwIfAborted();
    if (await create(file, token)) return;
    const holder = await readLock(file);
    if (holder === undefined) continue; // released between the two calls
    const state = `${holder} ${await touchedAt(file)}`;
    if (state !== seen.state) seen = { state, since: system.now() };
    if (isGone(holder, system) || system.now() - seen.since > STALE_MS) await breakLock(file, holder);
    else await system.sleep(POLL_MS, signal);
  }
}

/** Creates the lock file with its content in one step, so that nobody reads an empty one. */
async function create(file: string, token: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, token, { flag: "wx" });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    // File systems without hard links (exFAT, some network disks): the lock is empty for an instant, which reads as alive.
    return await writeFile(file, token, { flag: "wx" }).then(
      () => true,
      (second: NodeJS.ErrnoException) => {
        if (second.code === "EEXIST") return false;
        throw second;
      },
    );
  } finally {
    await rm(draft, { force: true });
  }
}

/** True when the holder was a process of this machine that no longer runs; false when it runs or cannot be judged from here. */
function isGone(holder: string, system: HubSystem): boolean {
  try {
    const { pid, host } = JSON.parse(holder) as { pid: unknown; host: unknown };
    return host === hostname() && Number.isSafeInteger(pid) && !system.isAlive(pid as number);
  } catch {
    return false; // not written by this code: only its age can tell
  }
}

/** Moves a dead holder's file away; if a living one slipped in meanwhile, puts that one back. */
async function breakLock(file: string, holder: string): Promise<void> {
  const grave = `${file}.${randomUUID()}`;
  try {
    await rename(file, grave);
  } catch {
    return; // another waiter was quicker
  }
  if ((await readLock(grave)) !== holder) await link(grave, file).catch(() => {});
  await rm(grave, { force: true });
}

async function readLock(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}

async function touchedAt(file: string): Promise<number> {
  return stat(file).then(
    (info) => info.mtimeMs,
    () => 0,
  );
}
