/** @file Temporary names beside a file or folder that say which process made them, so that remains can be removed safely. */
import { randomBytes } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type ProcessIdentity, processState, thisProcess } from "./process-identity.ts";

/** What a process that cannot be asked left behind is kept for so long. */
const FOREIGN_DAYS = 7;

/**
 * A fresh name beside `path`, in the same folder, so that a rename to `path` is atomic.
 * @example temporaryBeside("/runs/a/run.json") // "/runs/a/run.json.tmp-4711-8812345-1f00c0ffee42-9a3be1c0"
 */
export function temporaryBeside(path: string): string {
  const { pid, started, machine } = thisProcess;
  return `${path}.tmp-${pid}-${started || 0}-${machine}-${randomBytes(4).toString("hex")}`;
}

/** The process that made a temporary name; undefined for other names. */
function makerOf(name: string): ProcessIdentity | undefined {
  const match = /\.tmp-(\d+)-(\d+)-([0-9a-f]{12})-[0-9a-f]{8}$/.exec(name);
  return match ? { pid: Number(match[1]), started: match[2] === "0" ? "" : match[2]!, machine: match[3]! } : undefined;
}

/**
 * Removes the temporary files and folders beside `path` whose makers are gone. Those of running processes stay; those of
 * other machines stay for a week.
 * @param all also removes names of this kind that this code did not make: for folders that belong to the package alone
 */
export async function removeRemains(path: string, all = false): Promise<void> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => [] as string[]);
  for (const name of names.filter((each) => each.startsWith(`${basename(path)}.tmp-`))) {
    const found = join(folder, name);
    const maker = makerOf(name);
    const state = maker && processState(maker);
    const remove = state === undefined ? all : state === "gone" || (state === "unknown" && (await isOld(found)));
    if (remove) await rm(found, { recursive: true, force: true });
  }
}

async function isOld(path: string): Promise<boolean> {
  const changed = await stat(path).then(
    (info) => info.mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );
  return Date.now() - changed > FOREIGN_DAYS * 86_400_000;
}
