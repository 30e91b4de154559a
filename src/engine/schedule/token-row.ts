/** @file What a row of the KV cache holds: token ids, and which picture each run of image slots shows. */
import { IMAGE_SLOT_FIRST } from "../../processor/index.ts";

/** A sequence of token ids; `images` has the content hash of each picture in the order of its first slot. */
export interface TokenRow {
  readonly ids: readonly number[];
  readonly images: readonly string[];
}

/**
 * How many tokens two sequences share from the start. Image slots are equal only if the pictures are: ids alone would
 * let one picture's keys and values answer for another.
 */
export function commonPrefix(a: TokenRow, b: TokenRow): number {
  const limit = Math.min(a.ids.length, b.ids.length);
  let image = 0;
  for (let i = 0; i < limit; i++) {
    if (a.ids[i] !== b.ids[i]) return i;
    if (a.ids[i] !== IMAGE_SLOT_FIRST) continue;
    if (a.images[image] !== b.images[image]) return i;
    image++;
  }
  return limit;
}
