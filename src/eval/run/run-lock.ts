/** @file One writer per run: beginning, finishing and scoring exclude each other, and a shard is answered by one process. */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isLocked, withLock } from "../../common/node.ts";
import type { Shard } from "./records.ts";

/** Locks lie beside the run's folder, which may be moved. */
const fileOf = (folder: string, part: string): string => join(dirname(folder), `.${basename(folder)}${part}.lock`);
const shardPart = ({ index, count }: Shard): string => `.${index}-of-${count}`;

/**
 * Does what only one process may do to a run at a time.
 * @param wait false: refuse instead of waiting for whoever holds the run
 * @throws LockedError naming the holder; the signal's reason
 */
export function withRun<T>(
  folder: string,
  { wait, signal }: { wait: boolean; signal?: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  return withLock(fileOf(folder, ""), { what: `evaluating in ${folder}`, wait, signal }, work);
}

/** Answers one shard, which no other process does meanwhile. @throws LockedError naming the holder */
export function withShard<T>(folder: string, shard: Shard, work: () => Promise<T>): Promise<T> {
  const what = `answering shard ${shard.index}/${shard.count} in ${folder}`;
  return withLock(fileOf(folder, shardPart(shard)), { what, wait: false }, work);
}

/** Are shards of this run being answered, but for the caller's own? */
export async function othersAnswer(folder: string, own?: Shard): Promise<boolean> {
  const names = await readdir(dirname(folder)).catch(() => [] as string[]);
  const mine = own && basename(fileOf(folder, shardPart(own)));
  const isShard = (name: string) =>
    name.startsWith(`.${basename(folder)}.`) && /^\.\d+-of-\d+\.lock$/.test(name.slice(basename(folder).length + 1));
  const shards = names.filter((name) => isShard(name) && name !== mine);
  const held = await Promise.all(shards.map((name) => isLocked(join(dirname(folder), name))));
  return held.includes(true);
}
