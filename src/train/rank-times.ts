/** @file What the log says about ranks: how long each worked on a step, and how long it then waited for the slowest. */

import { type Communicator, gatherValues, RanksError } from "../ranks/index.ts";

/**
 * Times of one step, in milliseconds; nothing for one process.
 * @param worked of each rank, until its part of the gradients was there
 * @example rankTimes([900, 850]) // { rank0_ms: 900, rank0_wait_ms: 0, rank1_ms: 850, rank1_wait_ms: 50 }
 */
export function rankTimes(worked: readonly number[]): Record<string, number> {
  if (worked.length === 1) return {};
  const slowest = Math.max(...worked);
  return Object.fromEntries(
    worked.flatMap((ms, r) => [
      [`rank${r}_ms`, ms],
      [`rank${r}_wait_ms`, slowest - ms],
    ]),
  );
}

/** What of the metrics is of one rank. */
export const isOfRank = (metric: string): boolean => /^rank\d+_/.test(metric);

/** A number that differs where lists of numbers do, but for accidents: FNV-1a over 32 bits. */
export function digestOf(lists: Iterable<readonly number[]>): number {
  let hash = 0x811c9dc5;
  const take = (value: number) => {
    hash = Math.imul(hash ^ value, 0x01000193) >>> 0;
  };
  for (const list of lists) {
    take(list.length);
    for (const value of list) take(value);
  }
  return hash;
}

/**
 * What every rank has measured, after a look whether all were given the same data.
 * @param digest of the data of step `step`
 * @throws RanksError naming the rank that was given other data
 */
export async function gatherStep<T>(ranks: Communicator, step: number, digest: number, own: T): Promise<T[]> {
  const all = await gatherValues(ranks, { digest, own });
  const other = all.findIndex((of) => of.digest !== all[0]!.digest);
  if (other >= 0)
    throw new RanksError(
      `Step ${step}: rank ${other} was given other data than rank 0. A number must give the same sample in every process: look whether the data source draws at random, and whether the files are the same.`,
      { everywhere: true },
    );
  return all.map((of) => of.own);
}
