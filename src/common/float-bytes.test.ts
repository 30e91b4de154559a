import { expect, it } from "vitest";
import { bf16ToF32, f16ToF32, f32ToBf16, toF32 } from "./float-bytes.ts";

const bits = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);
const float = (...patterns: number[]) => new Float32Array(new Uint32Array(patterns).buffer);

it("every bfloat16 number survives the way to float32 and back", () => {
  const all = new Uint16Array(0x10000).map((_, i) => i);
  const wide = bf16ToF32(new Uint8Array(all.buffer));
  expect(wide[0x3f80]).toBe(1);
  expect(wide[0xff80]).toBe(Number.NEGATIVE_INFINITY);
  const back = f32ToBf16(wide);
  // Only a NaN may change, and only by becoming a quiet one.
  const changed = [...back.keys()].filter((i) => back[i] !== all[i]);
  expect(changed.every((i) => Number.isNaN(wide[i]!) && back[i] === (all[i]! | 0x40))).toBe(true);
});

it("float32 is rounded to the nearest bfloat16, ties to even", () => {
  const cases: [number, number][] = [
    [0x3f808000, 0x3f80], // half way between 1 and the next: stays at the even one
    [0x3f818000, 0x3f82], // half way, lower neighbour odd: goes up
    [0x3f808001, 0x3f81], // just above half way
    [0x3f807fff, 0x3f80], // just below
    [0x7f7fffff, 0x7f80], // the largest float32 rounds to infinity
    [0x80000001, 0x8000], // the smallest negative number rounds to minus zero
    [0x7f800001, 0x7fc0], // a NaN whose upper half is zero stays a NaN
    [0xffffffff, 0xffff],
  ];
  expect([...f32ToBf16(float(...cases.map(([from]) => from)))]).toEqual(cases.map(([, to]) => to));
});

it("half precision numbers have the value that IEEE 754 gives them", () => {
  const all = new Uint16Array(0x10000).map((_, i) => i);
  const wide = f16ToF32(new Uint8Array(all.buffer));
  for (let half = 0; half < 0x10000; half++) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    const value =
      exponent === 0
        ? sign * fraction * 2 ** -24
        : exponent === 31
          ? fraction
            ? Number.NaN
            : sign * Number.POSITIVE_INFINITY
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
    if (!Object.is(wide[half], value))
      throw new Error(`half ${half.toString(16)} became ${wide[half]}, expected ${value}`);
  }
});

it("bytes at odd addresses are read all the same", () => {
  const shifted = new Uint8Array([0, 0x80, 0x3f, 0x00, 0x40]).subarray(1);
  expect([...bf16ToF32(shifted)]).toEqual([1, 2]);
  expect([...toF32(new Uint8Array([9, 0, 0, 0x80, 0x3f]).subarray(1), "F32")]).toEqual([1]);
});

it("float32 bytes are viewed, not copied, and a given target is filled", () => {
  const source = new Uint8Array(new Float32Array([1, 2]).buffer);
  expect(toF32(source, "F32").buffer).toBe(source.buffer);
  const out = new Float32Array(2);
  expect(toF32(source, "F32", out)).toBe(out);
  expect([...out]).toEqual([1, 2]);
  expect(bits(toF32(new Uint8Array([0, 0x3c]), "F16"))[0]).toBe(0x3f800000);
});

it("wrong lengths and types that are not floats are refused", () => {
  expect(() => toF32(new Uint8Array(3), "F32")).toThrow("not a whole number");
  expect(() => bf16ToF32(new Uint8Array(3))).toThrow("expected 2");
  expect(() => bf16ToF32(new Uint8Array(4), new Float32Array(1))).toThrow("expected 2");
  expect(() => toF32(new Uint8Array(4), "I32")).toThrow("I32 is not supported; expected BF16, F16 or F32");
});
