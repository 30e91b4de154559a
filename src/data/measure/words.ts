/** @file Texts as units that are counted and compared: words, and the characters of scripts that write no spaces. */

const UNITS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}]+/gu;

/** @example unitsOf("Wie viel, 3 kg? 多少") // ["wie", "viel", "3", "kg", "多", "少"] */
export const unitsOf = (text: string): string[] => text.normalize("NFKC").toLowerCase().match(UNITS) ?? [];

/** 32 bits of a text (FNV-1a over UTF-16 units, then murmur3's finish). */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** murmur3's finish: every bit of the result depends on every bit of the number. */
export function mix(number: number): number {
  let hash = number;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Hashes of all runs of `n` units, two numbers of 32 bits for each, in the order of the text; of a shorter text one for the whole of it.
 * @example runsOf("a b c", 2).length // 4
 */
export function runsOf(text: string, n: number): Uint32Array {
  const units = unitsOf(text).map(hashOf);
  if (units.length === 0) return new Uint32Array(0);
  const count = Math.max(1, units.length - n + 1);
  const runs = new Uint32Array(2 * count);
  for (let i = 0; i < count; i++) {
    let [a, b] = [0x9747b28c, 0x3c6ef372];
    for (let k = i; k < Math.min(i + n, units.length); k++) {
      a = Math.imul(a ^ units[k]!, 0x5bd1e995);
      a ^= a >>> 15;
      b = Math.imul(b + units[k]!, 0x27d4eb2f);
      b ^= b >>> 13;
    }
    runs[2 * i] = mix(a);
    runs[2 * i + 1] = mix(b ^ 0x165667b1);
  }
  return runs;
}
