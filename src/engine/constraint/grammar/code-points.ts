/** @file Sets of characters as ranges of code points, and their UTF-8 bytes in a network. */
import type { Network, State } from "./network.ts";

/** Sorted, disjoint ranges of code points, both ends included. */
export type CodePoints = readonly (readonly [least: number, largest: number])[];

const LAST = 0x10ffff;

/** Every character. */
export const ANY: CodePoints = [
  [0, 0xd7ff],
  [0xe000, LAST],
];

/** Sorts and joins ranges; surrogates, which are no characters, are left out. */
export function codePoints(ranges: CodePoints): CodePoints {
  const joined: [number, number][] = [];
  for (const [least, largest] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last && least <= last[1] + 1) last[1] = Math.max(last[1], largest);
    else joined.push([least, largest]);
  }
  return intersect(joined, ANY);
}

/** Characters that are in both sets. */
export function intersect(one: CodePoints, other: CodePoints): CodePoints {
  const common: [number, number][] = [];
  for (const [a, b] of one)
    for (const [c, d] of other) if (Math.max(a, c) <= Math.min(b, d)) common.push([Math.max(a, c), Math.min(b, d)]);
  return common;
}

/** Characters that are not in the set. */
export function complement(set: CodePoints): CodePoints {
  const rest: [number, number][] = [];
  let from = 0;
  for (const [least, largest] of set) {
    if (least > from) rest.push([from, least - 1]);
    from = largest + 1;
  }
  if (from <= LAST) rest.push([from, LAST]);
  return intersect(rest, ANY);
}

/** Code points below these have 1, 2, 3 and 4 bytes. */
const LENGTHS = [0x80, 0x800, 0x10000, LAST + 1];

/** One character of a set, as its UTF-8 bytes. */
export function character(network: Network, set: CodePoints, next: State): State {
  const start = network.state();
  // Characters share their last bytes: few states for many ranges.
  const shared = new Map<string, State>();
  const tail = (ranges: readonly (readonly [number, number])[], after: State): State =>
    ranges.reduceRight((target, [least, largest]) => {
      const key = `${least} ${largest} ${target}`;
      const known = shared.get(key) ?? network.bytes(least, largest, target);
      shared.set(key, known);
      return known;
    }, after);
  for (const range of set) {
    for (const [first, ...rest] of byteRanges(range))
      network.edges[start]!.push(first![0], first![1], tail(rest, next));
  }
  return start;
}

/** A range as sequences of byte ranges: the range is cut until all its characters differ only in free trailing bytes. */
function byteRanges([least, largest]: readonly [number, number]): (readonly [number, number])[][] {
  const border = LENGTHS.find((below) => least < below && largest >= below);
  if (border !== undefined) return [...byteRanges([least, border - 1]), ...byteRanges([border, largest])];
  const length = LENGTHS.findIndex((below) => least < below) + 1;
  for (let free = 1; free < length; free += 1) {
    const block = 1 << (6 * free);
    if (Math.floor(least / block) === Math.floor(largest / block)) continue;
    if (least % block !== 0) {
      const end = Math.ceil(least / block) * block;
      return [...byteRanges([least, end - 1]), ...byteRanges([end, largest])];
    }
    if ((largest + 1) % block !== 0) {
      const end = Math.floor(largest / block) * block;
      return [...byteRanges([least, end - 1]), ...byteRanges([end, largest])];
    }
  }
  const from = utf8(least);
  const to = utf8(largest);
  return [from.map((byte, at) => [byte, to[at]!] as const)];
}

const encoder = new TextEncoder();
const utf8 = (codePoint: number): number[] => [...encoder.encode(String.fromCodePoint(codePoint))];
