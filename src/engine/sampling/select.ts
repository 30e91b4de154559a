/** @file Finds the largest of many numbers without sorting them all. */

/** Index of the largest value, the first of equals; -1 when there is none (all NaN or -Infinity). */
export function argmax(values: Float32Array): number {
  let best = -1;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if (values[i]! > max) {
      max = values[i]!;
      best = i;
    }
  }
  return best;
}

/**
 * Indices of the k largest values, largest first, the lower index first among equals.
 * A min-heap of k entries: one comparison for nearly every value, since few beat the heap's root.
 */
export function topIndices(values: Float32Array, k: number): Int32Array {
  const size = Math.min(k, values.length);
  const heap = new Int32Array(size);
  let filled = 0;
  /** Whether `a` ranks below `b`. */
  const below = (a: number, b: number): boolean => {
    const difference = values[a]! - values[b]!;
    return difference < 0 || (difference === 0 && a > b);
  };
  const siftDown = (start: number): void => {
    let at = start;
    for (;;) {
      let lowest = at;
      const left = 2 * at + 1;
      if (left < filled && below(heap[left]!, heap[lowest]!)) lowest = left;
      if (left + 1 < filled && below(heap[left + 1]!, heap[lowest]!)) lowest = left + 1;
      if (lowest === at) return;
      [heap[at], heap[lowest]] = [heap[lowest]!, heap[at]!];
      at = lowest;
    }
  };
  for (let i = 0; i < values.length; i++) {
    if (filled < size) {
      heap[filled++] = i;
      if (filled === size) for (let at = (size >> 1) - 1; at >= 0; at--) siftDown(at);
    } else if (size > 0 && values[i]! > values[heap[0]!]!) {
      heap[0] = i;
      siftDown(0);
    }
  }
  return heap.sort((a, b) => values[b]! - values[a]! || a - b);
}

/** Heaps of this size or less are cheaper than a selection over a copy. */
const HEAP_LIMIT = 256;

/** The k-th largest value. `scratch` has room for all values and is overwritten when k is large. */
export function kthLargest(values: Float32Array, k: number, scratch: Float32Array): number {
  if (k >= values.length) return Number.NEGATIVE_INFINITY;
  if (k <= HEAP_LIMIT) return values[topIndices(values, k)[k - 1]!]!;
  scratch.set(values);
  return quickselect(scratch.subarray(0, values.length), values.length - k);
}

/** Hoare's selection with the median of three as pivot: the value that sorting would put at `rank`. Reorders `values`. */
function quickselect(values: Float32Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const [a, b, c] = [values[low]!, values[(low + high) >> 1]!, values[high]!];
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i <= j) {
        const swap = values[i]!;
        values[i++] = values[j]!;
        values[j--] = swap;
      }
    }
    if (rank <= j) high = j;
    else if (rank >= i) low = i;
    else return values[rank]!;
  }
  return values[rank]!;
}
