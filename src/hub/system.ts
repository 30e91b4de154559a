/** @file What downloads need from the outside world, gathered so that tests can replace the clock, the disk and the network. */
import { statfs, symlink } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** The outside world as the download code sees it. */
export interface HubSystem {
  fetch: typeof fetch;
  /** Waits; rejects when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back when it has not been refreshed for so long. */
  startTimer(ms: number, onTimeout: () => void): { refresh(): void; clear(): void };
  /** Monotonic milliseconds. */
  now(): number;
  /** Uniform in [0, 1), for spreading retries. */
  random(): number;
  /** Bytes that this user may still write to the file system of `folder`, which must exist. */
  freeBytes(folder: string): Promise<number>;
  /** Makes a symbolic link to a file; rejects where they are not permitted. */
  symlink(target: string, path: string): Promise<void>;
  /** A connection that brings no byte for so long counts as cut. */
  idleMs: number;
  /** Big files are fetched in ranges of this size. */
  partBytes: number;
  /** Requests at one time, over all files. */
  connections: number;
}

/**
 * The real world. Ranges of 32 MiB keep the number of requests small (144 for a 4.6 GB checkpoint) and still let eight
 * connections share one file; eight is where typical servers stop getting faster and before they start to answer 429.
 */
export const realSystem: HubSystem = {
  fetch: (input, init) => fetch(input, init),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, { signal });
  },
  startTimer: (ms, onTimeout) => {
    const timer = setTimeout(onTimeout, ms);
    return { refresh: () => void timer.refresh(), clear: () => clearTimeout(timer) };
  },
  now: () => performance.now(),
  random: Math.random,
  freeBytes: async (folder) => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  symlink: (target, path) => symlink(target, path, "file"),
  idleMs: 30_000,
  partBytes: 32 * 2 ** 20,
  connections: 8,
};
