/** @file Values, not bytes, between ranks. They travel as structured clones, so NaN, typed arrays and every bit of a number stay. */

import { deserialize, serialize } from "node:v8";
import type { Communicator } from "./communicator.ts";

/**
 * What every rank gives, in the order of the ranks.
 * @example const [first, ...others] = await gatherValues(ranks, { loss });
 */
export async function gatherValues<T>(ranks: Communicator, value: T): Promise<T[]> {
  if (ranks.size === 1) return [value];
  return (await ranks.gather(serialize(value))).map((bytes) => deserialize(bytes) as T);
}

/** What `make` gives on rank 0, where alone it is called. */
export async function fromFirst<T>(ranks: Communicator, make: () => T | Promise<T>): Promise<T> {
  if (ranks.size === 1) return make();
  const bytes = await ranks.broadcast(ranks.rank === 0 ? serialize(await make()) : undefined);
  return deserialize(bytes) as T;
}

/** Whether it is so on any rank: for decisions that all must take together, such as to stop. */
export const onAny = async (ranks: Communicator, is: boolean): Promise<boolean> =>
  (await gatherValues(ranks, is)).includes(true);
