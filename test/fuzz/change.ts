/** @file Makes hostile inputs from good ones: bytes flipped, cut, doubled and joined, and JSON changed by its structure. */
import type { Random } from "../../src/common/index.ts";

/** Numbers at which arithmetic goes wrong. */
const NUMBERS = [0, 1, 2, 127, 128, 255, 256, 32_767, 65_535, 65_536, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_ff];
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1,
  0.5,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 53,
  "",
  " ",
  "a",
  "constructor",
  "__proto__",
  "toString",
  "\u0000",
  "\ud800",
  "\ufeff",
  "é".repeat(300),
  "9".repeat(400),
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  "../../etc/passwd",
  "http://127.0.0.1:1/",
  "data:image/png;base64,AAAA",
  "(a+)+$",
  "^".repeat(40),
  "#/$defs/a",
];
const KEYS = ["__proto__", "constructor", "toString", "hasOwnProperty", "", "length", "0", "type", "\u0000"];
/** Longer ones are left to tests of limits: here the number of inputs counts. */
const LONGEST = 1 << 18;

const pick = <T>(random: Random, all: readonly T[]): T => all[random.below(all.length)]!;

/** An input made from the corpus; the same random numbers make the same one. */
export function change(random: Random, corpus: readonly Uint8Array[], json: boolean): Uint8Array {
  const start = pick(random, corpus);
  if (json && random.below(4) > 0) {
    const value = structure(random, JSON.parse(new TextDecoder().decode(start)), 1 + random.below(3));
    return new TextEncoder().encode(JSON.stringify(value) ?? "null");
  }
  let bytes = start;
  for (let times = 1 + random.below(4); times > 0; times--) bytes = once(random, bytes, corpus);
  return bytes.length > LONGEST ? bytes.slice(0, LONGEST) : bytes;
}

function once(random: Random, bytes: Uint8Array, corpus: readonly Uint8Array[]): Uint8Array {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.below(random.below(2) === 0 ? 16 : bytes.length + 1));
  const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
  switch (random.below(7)) {
    case 0: {
      const changed = bytes.slice();
      for (let i = at; i < Math.min(changed.length, at + 1 + random.below(4)); i++) changed[i]! ^= 1 << random.below(8);
      return changed;
    }
    case 1: {
      const number = new DataView(new ArrayBuffer(8));
      number.setUint32(0, pick(random, NUMBERS), random.below(2) === 0);
      const width = pick(random, [1, 2, 4, 8]);
      const changed = bytes.slice();
      changed.set(
        new Uint8Array(number.buffer, 0, Math.max(0, Math.min(width, changed.length - at))),
        Math.min(at, changed.length),
      );
      return changed;
    }
    case 2:
      return bytes.slice(0, at);
    case 3:
      return join(bytes.subarray(0, at), bytes.subarray(to));
    case 4:
      return join(bytes.subarray(0, to), bytes.subarray(at));
    case 5: {
      const other = pick(random, corpus);
      return join(bytes.subarray(0, at), other.subarray(random.below(other.length + 1)));
    }
    default:
      return join(
        bytes.subarray(0, at),
        new Uint8Array(random.below(32)).map(() => random.below(256)),
        bytes.subarray(at),
      );
  }
}

/** Changes a value of JSON in `times` places. */
function structure(random: Random, value: unknown, times: number): unknown {
  let changed = value;
  for (let i = 0; i < times; i++) changed = inside(random, changed);
  return changed;
}

function inside(random: Random, value: unknown): unknown {
  if (typeof value !== "object" || value === null || random.below(12) === 0) return hostile(random, value);
  if (Array.isArray(value)) {
    const at = random.below(value.length + 1);
    const kind = random.below(4);
    if (kind === 0) return value.filter((_, i) => i !== at);
    if (kind === 1) return [...value.slice(0, at), ...value.slice(Math.max(0, at - 1))];
    return value.length === 0
      ? [hostile(random, null)]
      : value.map((one, i) => (i === Math.min(at, value.length - 1) ? inside(random, one) : one));
  }
  const entries = Object.entries(value);
  const at = random.below(entries.length + 1);
  const kind = random.below(6);
  if (kind === 0) return withKeys(entries.filter((_, i) => i !== at));
  if (kind === 1 || at === entries.length) return withKeys([...entries, [pick(random, KEYS), hostile(random, null)]]);
  return withKeys(
    entries.map(([key, one], i) =>
      i === at ? [kind === 2 ? pick(random, KEYS) : key, inside(random, one)] : [key, one],
    ),
  );
}

/** An object whose `__proto__` is a key like others, as JSON.parse makes it. */
const withKeys = (entries: [string, unknown][]): object => Object.fromEntries(entries);

function hostile(random: Random, value: unknown): unknown {
  if (typeof value === "number" && random.below(2) === 0)
    return pick(random, [value + 1, value - 1, -value, value * 1e6, value + 0.5]);
  if (typeof value === "string" && random.below(3) === 0)
    return pick(random, [value + value, value.slice(1), value.toUpperCase(), ` ${value}`]);
  if (random.below(20) === 0) return deep(random, random.below(2000));
  return pick(random, VALUES);
}

function deep(random: Random, levels: number): unknown {
  const inArrays = random.below(2) === 0;
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = inArrays ? [value] : { a: value };
  return value;
}
