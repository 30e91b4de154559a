/** @file The native attention over a KV cache against float64; a token's result does not depend on its company. */
import { afterEach, describe, expect, test } from "vitest";
import { floatToHalf, halfToFloat } from "../../src/common/half.ts";
import { cachedAttention, input, serialize } from "../../src/graph/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";
import { levelsHere, libraryPath } from "./support/library.ts";
import { randomNumbers } from "./support/reference.ts";

const [HEADS, KV_HEADS, SIZE, SLOTS, CAPACITY] = [6, 2, 32, 3, 640];
const HALF = SIZE / 2;
const WIDTH = (HEADS + 2 * KV_HEADS) * SIZE;
const SCALE = 0.3;

const table = (turn: (angle: number) => number) =>
  Float32Array.from({ length: CAPACITY * HALF }, (_, i) => turn(Math.floor(i / HALF) / 50 ** ((i % HALF) / HALF)));
const [cos, sin] = [table(Math.cos), table(Math.sin)];

const TYPES = ["float32", "float16"] as const;
type CacheType = (typeof TYPES)[number];
/** [SLOTS, KV_HEADS, CAPACITY, SIZE] each; float16 as bits. */
interface Cache {
  keys: Float32Array | Uint16Array;
  values: Float32Array | Uint16Array;
}
/** Rows of q, k and v of one sequence's new tokens, appended behind `past` tokens of its slot. */
interface Piece {
  slot: number;
  past: number;
  rows: Float32Array;
}

function normals(seed: number, count: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => random() + random() + random() - 1.5);
}
const emptyCache = (type: CacheType = "float32"): Cache => {
  const count = SLOTS * KV_HEADS * CAPACITY * SIZE;
  const numbers = () => (type === "float16" ? new Uint16Array(count) : new Float32Array(count));
  return { keys: numbers(), values: numbers() };
};
const sameBytes = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.compare(Buffer.from(a.buffer as ArrayBuffer), Buffer.from(b.buffer as ArrayBuffer)) === 0;
const typeOf = ({ keys }: Cache): CacheType => (keys instanceof Uint16Array ? "float16" : "float32");

/** Attention outputs [pieces, tokens, heads·size]. The cache is changed in place, or its new state is put into `present`. */
async function attend(cache: Cache, pieces: readonly Piece[], threads = 2, present = cache): Promise<Float32Array> {
  const runtime = nativeRuntime();
  const tokens = pieces[0]!.rows.length / WIDTH;
  const shape = ["slots", KV_HEADS, CAPACITY, SIZE];
  const type = typeOf(cache);
  const past = [input("keys", type, shape), input("values", type, shape)] as const;
  const places = {
    slots: input("slots", "int32", ["batch"]),
    lastPositions: input("last", "int32", ["batch"]),
    cos: input("cos", "float32", [CAPACITY, HALF]),
    sin: input("sin", "float32", [CAPACITY, HALF]),
  };
  const attrs = { heads: HEADS, kvHeads: KV_HEADS, scale: SCALE };
  const qkv = input("qkv", "float32", ["batch", "seq", WIDTH]);
  const [y, keys, values] = cachedAttention(qkv, past, places, attrs);
  const graph = serialize({ y: y!, "present.keys": keys!, "present.values": values! }, "inputs");
  await using session = await runtime.createSession(graph.bytes, { customOps: libraryPath!, threads });
  type Numbers = Float32Array | Uint16Array | Int32Array;
  const bind = (name: string, dtype: CacheType | "int32", dims: number[], data: Numbers) =>
    session.bindInput(name, runtime.wrap(dtype, dims, data.buffer as ArrayBuffer, data.byteOffset));
  const rows = new Float32Array(pieces.flatMap((piece) => [...piece.rows]));
  bind("qkv", "float32", [pieces.length, tokens, WIDTH], rows);
  bind(
    "slots",
    "int32",
    [pieces.length],
    Int32Array.from(pieces, ({ slot }) => slot),
  );
  bind(
    "last",
    "int32",
    [pieces.length],
    Int32Array.from(pieces, (piece) => piece.past + tokens - 1),
  );
  bind("cos", "float32", [CAPACITY, HALF], cos!);
  bind("sin", "float32", [CAPACITY, HALF], sin!);
  for (const name of ["keys", "values"] as const) {
    bind(name, type, [SLOTS, KV_HEADS, CAPACITY, SIZE], cache[name]);
    const tensor = runtime.wrap(type, [SLOTS, KV_HEADS, CAPACITY, SIZE], present[name].buffer as ArrayBuffer);
    session.bindOutput(`present.${name}`, tensor);
  }
  const out = runtime.createTensor("float32", [pieces.length, tokens, HEADS * SIZE]);
  session.bindOutput("y", out);
  await session.run();
  return out.data as Float32Array;
}

/** What slot `slot` of the cache holds for a token: [SIZE]. */
function heldBy(numbers: Float32Array | Uint16Array, slot: number, kv: number, token: number): number[] {
  const at = ((slot * KV_HEADS + kv) * CAPACITY + token) * SIZE;
  const held = Array.from(numbers.subarray(at, at + SIZE));
  return numbers instanceof Uint16Array ? held.map(halfToFloat) : held;
}

/** One sequence in float64, from all rows that it ever had; keys and values may be those that slot 1 of a cache holds. */
function reference(rows: Float32Array, cache?: Cache): number[] {
  const tokens = rows.length / WIDTH;
  const head = (t: number, at: number, turned: boolean): number[] => {
    const x = Array.from(rows.subarray(t * WIDTH + at * SIZE, t * WIDTH + (at + 1) * SIZE));
    if (!turned) return x;
    return x.map((_, i) => {
      const [c, s] = [cos![t * HALF + (i % HALF)]!, sin![t * HALF + (i % HALF)]!];
      return i < HALF ? x[i]! * c - x[i + HALF]! * s : x[i]! * c + x[i - HALF]! * s;
    });
  };
  const ofEach = (make: (kv: number, t: number) => number[]) =>
    Array.from({ length: KV_HEADS }, (_, kv) => Array.from({ length: tokens }, (_, t) => make(kv, t)));
  const keys = ofEach((kv, t) => (cache ? heldBy(cache.keys, 1, kv, t) : head(t, HEADS + kv, true)));
  const values = ofEach((kv, t) => (cache ? heldBy(cache.values, 1, kv, t) : head(t, HEADS + KV_HEADS + kv, false)));
  const out: number[] = [];
  for (let t = 0; t < tokens; t++)
    for (let h = 0; h < HEADS; h++) {
      const kv = Math.floor(h / (HEADS / KV_HEADS));
      const q = head(t, h, true);
      const scores = keys[kv]!.slice(0, t + 1).map((k) => SCALE * k.reduce((sum, x, i) => sum + x * q[i]!, 0));
      const most = Math.max(...scores);
      const weights = scores.map((s) => Math.exp(s - most));
      const total = weights.reduce((a, b) => a + b);
      const mixed = new Array<number>(SIZE).fill(0);
      weights.forEach((w, j) => {
        values[kv]![j]!.forEach((x, i) => {
          mixed[i]! += (w / total) * x;
        });
      });
      out.push(...mixed);
    }
  return out;
}

describe.skipIf(!libraryPath)("CachedAttention", () => {
  afterEach(() => {
    delete process.env.FLASHVL_KERNEL;
  });

  test.each([1, 40, 300])("%i tokens at once are within 1e-5 of float64 at every level", async (tokens) => {
    const rows = normals(tokens, tokens * WIDTH);
    const wanted = reference(rows);
    for (const level of levelsHere()) {
      process.env.FLASHVL_KERNEL = level;
      const found = await attend(emptyCache(), [{ slot: 1, past: 0, rows }]);
      const worst = Math.max(...wanted.map((w, i) => Math.abs(w - found[i]!)));
      expect(worst, level).toBeLessThan(1e-5);
    }
  });

  test.each([1, 300])(
    "%i tokens over a float16 cache: its numbers are the nearest, and sums are float32",
    async (tokens) => {
      const rows = normals(tokens, tokens * WIDTH);
      const exact = emptyCache();
      await attend(exact, [{ slot: 1, past: 0, rows }]);
      const wanted = reference(rows);
      for (const level of levelsHere()) {
        process.env.FLASHVL_KERNEL = level;
        const cache = emptyCache("float16");
        const found = await attend(cache, [{ slot: 1, past: 0, rows }]);
        for (const name of ["keys", "values"] as const) {
          const nearest = Uint16Array.from(exact[name], floatToHalf);
          expect(sameBytes(nearest, cache[name]), `${level} ${name}`).toBe(true);
        }
        const ofCache = reference(rows, cache);
        expect(Math.max(...ofCache.map((w, i) => Math.abs(w - found[i]!))), level).toBeLessThan(1e-5);
        // Against keys and values that were never rounded: 2^-12 of each, at most.
        expect(Math.max(...wanted.map((w, i) => Math.abs(w - found[i]!))), level).toBeLessThan(1e-3);
      }
    },
  );

  test("a float16 cache holds any number: rounded to even, tiny ones in its smallest steps, large ones as its largest", async () => {
    const tokens = 20;
    const random = randomNumbers(7);
    const rows = new Float32Array(tokens * WIDTH);
    const special = [65504, 65519, 65520, 1e9, 3e38, Infinity, 2 ** -14, 2 ** -24, 2 ** -25, 1.01 * 2 ** -25, 1e-40, 0];
    const ties = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 2.5 * 2 ** -24, 3.5 * 2 ** -24];
    for (let t = 0; t < tokens; t++)
      for (let i = 0; i < 2 * KV_HEADS * SIZE; i++)
        rows[t * WIDTH + HEADS * SIZE + i] = (random() - 0.5) * 2 ** Math.floor(random() * 60 - 35);
    const of = (t: number) => rows.subarray((t + 1) * WIDTH - KV_HEADS * SIZE, (t + 1) * WIDTH); // values
    of(2).set([...special, ...special.map((x) => -x), ...ties]);
    const nearest = (x: number) => floatToHalf(Math.max(-65504, Math.min(65504, x)));
    for (const level of levelsHere()) {
      process.env.FLASHVL_KERNEL = level;
      const cache = emptyCache("float16");
      const found = await attend(cache, [{ slot: 1, past: 0, rows }]);
      for (let t = 0; t < tokens; t++)
        for (let kv = 0; kv < KV_HEADS; kv++) {
          const at = ((KV_HEADS + kv) * CAPACITY + t) * SIZE;
          const wanted = Array.from(of(t).subarray(kv * SIZE, (kv + 1) * SIZE), nearest);
          expect(Array.from(cache.values.subarray(at, at + SIZE)), level).toEqual(wanted);
        }
      const wanted = reference(rows, cache);
      expect(found.every(Number.isFinite), level).toBe(true);
      const errors = wanted.map((w, i) => Math.abs(w - found[i]!) / 65504);
      expect(Math.max(...errors), level).toBeLessThan(1e-5);

      const broken = emptyCache("float16");
      of(1)[3] = Number.NaN;
      const out = await attend(broken, [{ slot: 1, past: 0, rows }]);
      of(1)[3] = 0;
      expect(halfToFloat(broken.values[(KV_HEADS * CAPACITY + 1) * SIZE + 3]!), level).toBeNaN();
      expect(out[2 * HEADS * SIZE + 3], level).toBeNaN();
    }
  });

  test("past and present may be different memory", async () => {
    for (const type of TYPES) {
      const [past, present] = [emptyCache(type), emptyCache(type)];
      const rows = normals(5, 9 * WIDTH);
      await attend(past, [{ slot: 2, past: 0, rows: rows.slice(0, 8 * WIDTH) }]);
      const before = past.keys.slice();
      const last = [{ slot: 2, past: 8, rows: rows.slice(8 * WIDTH) }];
      const apart = await attend(past, last, 2, present);
      expect(sameBytes(past.keys, before)).toBe(true);
      expect(apart).toEqual(await attend(past, last));
      expect(sameBytes(present.keys, past.keys) && sameBytes(present.values, past.values)).toBe(true);
    }
  });

  test.each(TYPES)(
    "a token is the same bits alone, in a stretch, beside others and on any number of threads (%s)",
    async (type) => {
      const tokens = 290;
      const width = HEADS * SIZE;
      const [own, other] = [normals(1, (tokens + 12) * WIDTH), normals(2, 500 * WIDTH)];
      const part = (rows: Float32Array, from: number, to: number) => rows.slice(from * WIDTH, to * WIDTH);
      for (const level of levelsHere()) {
        process.env.FLASHVL_KERNEL = level;
        const whole = await attend(emptyCache(type), [{ slot: 0, past: 0, rows: own }]);
        const after = whole.slice(tokens * width);
        for (const threads of [1, 3]) {
          const cache = emptyCache(type);
          await attend(cache, [{ slot: 2, past: 0, rows: part(own, 0, tokens) }], threads);
          await attend(cache, [{ slot: 0, past: 0, rows: part(other, 0, 400) }], threads);
          // A stretch of 10 tokens beside another sequence with another past, in an order of slots of its own.
          const together = [
            { slot: 2, past: tokens, rows: part(own, tokens, tokens + 10) },
            { slot: 0, past: 400, rows: part(other, 400, 410) },
          ];
          const stretch = await attend(cache, together, threads);
          expect(stretch.slice(0, 10 * width), level).toEqual(after.slice(0, 10 * width));
          for (const at of [10, 11]) {
            const one = [{ slot: 2, past: tokens + at, rows: part(own, tokens + at, tokens + at + 1) }];
            expect(await attend(cache, one, threads), level).toEqual(after.slice(at * width, (at + 1) * width));
          }
        }
      }
    },
  );

  test("slots and positions outside the cache are refused, and it stays as it was", async () => {
    const cache = emptyCache();
    const rows = normals(3, WIDTH);
    await expect(attend(cache, [{ slot: SLOTS, past: 0, rows }])).rejects.toThrow(/slot is not a row of the cache/);
    await expect(attend(cache, [{ slot: 0, past: CAPACITY, rows }])).rejects.toThrow(/last position is outside/);
    await expect(attend(cache, [{ slot: 0, past: -1, rows }])).rejects.toThrow(/before its own tokens/);
    expect(cache.keys.every((x) => x === 0)).toBe(true);
  });
});
