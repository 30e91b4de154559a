/** @file The native attention over a KV cache against float64; a token's result does not depend on its company. */
import { afterEach, describe, expect, test } from "vitest";
import { nativeRuntime } from "../../src/engine/runtime/index.ts";
import { cachedAttention, input, serialize } from "../../src/graph/index.ts";
import { levelsHere, libraryPath } from "./support/library.ts";
import { randomNumbers } from "./support/reference.ts";

const [HEADS, KV_HEADS, SIZE, SLOTS, CAPACITY] = [6, 2, 32, 3, 640];
const HALF = SIZE / 2;
const WIDTH = (HEADS + 2 * KV_HEADS) * SIZE;
const SCALE = 0.3;

const table = (turn: (angle: number) => number) =>
  Float32Array.from({ length: CAPACITY * HALF }, (_, i) => turn(Math.floor(i / HALF) / 50 ** ((i % HALF) / HALF)));
const [cos, sin] = [table(Math.cos), table(Math.sin)];

interface Cache {
  keys: Float32Array;
  values: Float32Array;
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
const emptyCache = (): Cache => {
  const floats = SLOTS * KV_HEADS * CAPACITY * SIZE;
  return { keys: new Float32Array(floats), values: new Float32Array(floats) };
};

/** Attention outputs [pieces, tokens, heads·size]; the cache is changed in place. */
async function attend(cache: Cache, pieces: readonly Piece[], threads = 2): Promise<Float32Array> {
  const runtime = nativeRuntime();
  const tokens = pieces[0]!.rows.length / WIDTH;
  const shape = ["slots", KV_HEADS, CAPACITY, SIZE];
  const past = [input("keys", "float32", shape), input("values", "float32", shape)] as const;
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
  const bind = (name: string, dtype: "float32" | "int32", dims: number[], data: Float32Array | Int32Array) =>
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
    bind(name, "float32", [SLOTS, KV_HEADS, CAPACITY, SIZE], cache[name]);
    const tensor = runtime.wrap("float32", [SLOTS, KV_HEADS, CAPACITY, SIZE], cache[name].buffer as ArrayBuffer);
    session.bindOutput(`present.${name}`, tensor);
  }
  const out = runtime.createTensor("float32", [pieces.length, tokens, HEADS * SIZE]);
  session.bindOutput("y", out);
  await session.run();
  return out.data as Float32Array;
}

/** One sequence in float64, from all rows that it ever had. */
function reference(rows: Float32Array): number[] {
  const tokens = rows.length / WIDTH;
  const head = (t: number, at: number, turned: boolean): number[] => {
    const x = Array.from(rows.subarray(t * WIDTH + at * SIZE, t * WIDTH + (at + 1) * SIZE));
    if (!turned) return x;
    return x.map((_, i) => {
      const [c, s] = [cos![t * HALF + (i % HALF)]!, sin![t * HALF + (i % HALF)]!];
      return i < HALF ? x[i]! * c - x[i + HALF]! * s : x[i]! * c + x[i - HALF]! * s;
    });
  };
  const keys = Array.from({ length: KV_HEADS }, (_, kv) =>
    Array.from({ length: tokens }, (_, t) => head(t, HEADS + kv, true)),
  );
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
        head(j, HEADS + KV_HEADS + kv, false).forEach((x, i) => {
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

  test("a token is the same bits alone, in a stretch, beside others and on any number of threads", async () => {
    const tokens = 290;
    const width = HEADS * SIZE;
    const [own, other] = [normals(1, (tokens + 12) * WIDTH), normals(2, 500 * WIDTH)];
    const part = (rows: Float32Array, from: number, to: number) => rows.slice(from * WIDTH, to * WIDTH);
    for (const level of levelsHere()) {
      process.env.FLASHVL_KERNEL = level;
      const whole = await attend(emptyCache(), [{ slot: 0, past: 0, rows: own }]);
      const after = whole.slice(tokens * width);
      for (const threads of [1, 3]) {
        const cache = emptyCache();
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
  });

  test("slots and positions outside the cache are refused, and it stays as it was", async () => {
    const cache = emptyCache();
    const rows = normals(3, WIDTH);
    await expect(attend(cache, [{ slot: SLOTS, past: 0, rows }])).rejects.toThrow(/slot is not a row of the cache/);
    await expect(attend(cache, [{ slot: 0, past: CAPACITY, rows }])).rejects.toThrow(/last position is outside/);
    await expect(attend(cache, [{ slot: 0, past: -1, rows }])).rejects.toThrow(/before its own tokens/);
    expect(cache.keys.every((x) => x === 0)).toBe(true);
  });
});
