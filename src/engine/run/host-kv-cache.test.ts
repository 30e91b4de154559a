/** @file The KV cache grows and copies without losing what it holds. */
import { describe, expect, it } from "vitest";
import type { DecoderConfig } from "../../model/index.ts";
import { HostKvCache } from "./host-kv-cache.ts";
import { COPIED } from "./kv-cache.ts";

const config = { kvHeads: 2, headDim: 3, layers: 2 } as DecoderConfig;
const data = (cache: HostKvCache, layer: number) =>
  cache.rows(0, cache.slots)[layer]!.value.data as Float32Array | Uint16Array;
/** Value of the given place, different everywhere. */
const mark = (slot: number, head: number, token: number, dim: number) => 1000 * slot + 100 * head + 3 * token + dim;
const each = (cache: HostKvCache, slot: number, length: number, visit: (at: number, value: number) => void) => {
  for (let head = 0; head < 2; head++) {
    for (let token = 0; token < length; token++) {
      for (let dim = 0; dim < 3; dim++) {
        visit(((slot * 2 + head) * cache.capacity + token) * 3 + dim, mark(slot, head, token, dim));
      }
    }
  }
};

const write = (values: Float32Array | Uint16Array) => (at: number, value: number) => {
  values[at] = value;
};

describe.each([
  ["float32", 4],
  ["float16", 2],
] as const)("HostKvCache in %s", (dtype, bytes) => {
  it("grows in steps and keeps what each slot holds", async () => {
    const cache = new HostKvCache(config, 2000, 3, dtype);
    await cache.ensure(2, 10, [0, 0]);
    expect([cache.slots, cache.capacity, cache.version]).toEqual([2, 256, 1]);
    const values = data(cache, 1);
    for (const slot of [0, 1]) each(cache, slot, 200, write(values));
    await cache.ensure(2, 256, [200, 200]);
    expect(cache.version).toBe(1);
    await cache.ensure(3, 257, [200, 100, 0]);
    expect([cache.slots, cache.capacity, cache.version]).toEqual([3, 512, 2]);
    const grown = data(cache, 1);
    each(cache, 0, 200, (at, value) => expect(grown[at]).toBe(value));
    each(cache, 1, 100, (at, value) => expect(grown[at]).toBe(value));
    expect(cache.bytes).toBe(2 * 2 * 3 * 2 * 512 * 3 * bytes);
    // Each slot's tensor stands where the whole has its row.
    each(cache, 1, 100, (at, value) => expect(cache.rows(1, 1)[1]!.value.data[at - 2 * 512 * 3]).toBe(value));
  });

  it("copies a beginning from one slot to another", async () => {
    const cache = new HostKvCache(config, 2000, 3, dtype);
    await cache.ensure(2, 10, [0, 0]);
    const values = data(cache, 0);
    each(cache, 1, 50, write(values));
    await cache.copy(1, 0, 20);
    each(cache, 0, 20, (at, value) => expect(values[at]).toBe(value + 1000));
    expect(values[20 * 3]).toBe(0);
  });

  it("leaves room for the beginning of an answer behind a prompt", async () => {
    const cache = new HostKvCache(config, 2000, 1, dtype);
    await cache.ensure(1, 510, [0]);
    expect(cache.capacity).toBe(768);
    await cache.ensure(1, 510 + 128, [510]);
    expect(cache.version).toBe(1);
  });

  it("stays within the context", async () => {
    const cache = new HostKvCache(config, 300, 1, dtype);
    await cache.ensure(1, 290, [0]);
    expect(cache.capacity).toBe(300);
    await expect(cache.ensure(1, 301, [0])).rejects.toThrow(/holds at most 300 tokens per sequence; 301/);
  });
});

it("grows in small steps where every run copies it", async () => {
  const cache = new HostKvCache(config, 2000, 1, "float32", COPIED);
  const capacities: number[] = [];
  for (const length of [10, 33, 97, 161]) {
    await cache.ensure(1, length, [0]);
    capacities.push(cache.capacity);
  }
  expect(capacities).toEqual([64, 64, 192, 192]);
});
