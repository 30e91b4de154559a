/** @file Packing: which samples share a row, so that little of a row is padding. */

/**
 * Best-fit decreasing: longest first, each into the fullest bin that still has room (Johnson 1973; TRL's "bfd").
 * @param lengths lengths of the samples, none longer than `capacity`
 * @returns indices of the samples in each bin, in the order in which they were placed
 * @throws RangeError when a sample is longer than a row: cutting it is the caller's decision
 * @example packBestFit([4, 2, 3, 1], 4) // [[0], [2, 3], [1]]
 */
export function packBestFit(lengths: readonly number[], capacity: number): number[][] {
  const bins: { free: number; items: number[] }[] = [];
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  for (const i of order) {
    const length = lengths[i]!;
    if (length > capacity) throw new RangeError(`sample ${i} has ${length} tokens, more than a row of ${capacity}`);
    let best: (typeof bins)[number] | undefined;
    for (const bin of bins) if (bin.free >= length && (!best || bin.free < best.free)) best = bin;
    if (!best) {
      best = { free: capacity, items: [] };
      bins.push(best);
    }
    best.free -= length;
    best.items.push(i);
  }
  return bins.map((b) => b.items);
}
