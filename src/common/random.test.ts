import { expect, it } from "vitest";
import { deriveSeed, MAX_SEED, Random } from "./random.ts";

it("makes its state of splitmix64's reference outputs", () => {
  const { state } = new Random(1234567);
  const word = (high: number, low: number) => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  // The first two numbers of java.util.SplittableRandom's algorithm for this seed, as its C form prints them.
  expect([word(state[0]!, state[1]!), word(state[2]!, state[3]!)]).toEqual([
    6457827717110365317n,
    3203168211198807973n,
  ]);
});

it("goes on from a saved state, with every kind of draw", () => {
  const random = new Random(3);
  for (let i = 0; i < 5; i++) random.uniform();
  const later = Random.fromState(JSON.parse(JSON.stringify(random.state)));
  const draw = (from: Random) => [from.bits(), from.uniform(), from.below(9), from.normal(), ...from.permutation(6)];
  expect(draw(later)).toEqual(draw(random));
});

it("draws an unknown stream where no seed is given", () => {
  expect(new Random().uniform()).not.toBe(new Random().uniform());
});

it("refuses seeds and states that are none", () => {
  for (const seed of [-1, 1.5, Number.NaN, MAX_SEED + 1]) expect(() => new Random(seed)).toThrow(/found/);
  expect(new Random(MAX_SEED).uniform()).toBeLessThan(1);
  for (const state of [[], [1, 2, 3], [1, 2, 3, 0.5]])
    expect(() => Random.fromState(state)).toThrow(/four whole numbers/);
});

it("derives seeds that depend on every part and on their order", () => {
  const seeds = [[0], [0, 0], [0, 1], [1, 0], [1], [0, -1], [0, 0, 0], [2 ** 40, 1]].map((parts) =>
    deriveSeed(...parts),
  );
  expect(new Set(seeds).size).toBe(seeds.length);
  for (const seed of seeds) expect(Number.isSafeInteger(seed) && seed >= 0).toBe(true);
});

it("has the moments of the normal distribution", () => {
  const random = new Random(8);
  const n = 40_000;
  let [sum, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    const x = random.normal();
    sum += x;
    squares += x * x;
  }
  expect(Math.abs(sum / n)).toBeLessThan(4 / Math.sqrt(n));
  expect(Math.abs(squares / n - 1)).toBeLessThan((4 * Math.SQRT2) / Math.sqrt(n));
});
