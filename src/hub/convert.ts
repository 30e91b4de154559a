/** @file Bulk conversion between the stored float types and float32; typed arrays, so little-endian machines only (all that Node runs on). */
import type { Dtype } from "./dtype.ts";

/**
 * bfloat16 bytes to float32: the same number with 16 zero bits appended, so exact.
 *
 * @param bytes little-endian bf16; @param out where to write, of bytes.length / 2 elements
 * @example bf16ToF32(await checkpoint.readTensor("llm.model.norm.weight"))
 */
export function bf16ToF32(bytes: Uint8Array, out: Float32Array = new Float32Array(bytes.length >> 1)): Float32Array {
  const source = asUint16(bytes, out.length);
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) bits[i] = source[i]! << 16;
  return out;
}

/**
 * float32 to bfloat16 bits, rounded to the nearest, ties to even, as PyTorch does; NaN stays NaN.
 *
 * @example new Uint8Array(f32ToBf16(weights).buffer)
 */
export function f32ToBf16(values: Float32Array, out: Uint16Array = new Uint16Array(values.length)): Uint16Array {
  if (out.length !== values.length)
    throw new RangeError(`f32ToBf16: out has ${out.length} elements, expected ${values.length}`);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    // Adding 0x7fff plus the lowest kept bit carries into the kept half exactly when rounding up is right.
    // NaN has to be kept from carrying into infinity or a sign change.
    out[i] = (b & 0x7fffffff) > 0x7f800000 ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return out;
}

let halfTable: Uint32Array | undefined;

/**
 * IEEE half bytes to float32, exact, through a table of all 65536 values (made on first use, 256 KiB).
 *
 * @example f16ToF32(new Uint8Array([0x00, 0x3c])) // [1]
 */
export function f16ToF32(bytes: Uint8Array, out: Float32Array = new Float32Array(bytes.length >> 1)): Float32Array {
  halfTable ??= makeHalfTable();
  const source = asUint16(bytes, out.length);
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) bits[i] = halfTable[source[i]!]!;
  return out;
}

/**
 * Stored bytes of a float type as float32.
 *
 * @param out where to write; without it F32 bytes are viewed, not copied, where their address allows
 * @throws TypeError for types that are not BF16, F16 or F32
 * @example toF32(await checkpoint.readTensor(name), checkpoint.tensors.get(name)!.dtype)
 */
export function toF32(bytes: Uint8Array, dtype: Dtype, out?: Float32Array): Float32Array {
  if (dtype === "BF16") return bf16ToF32(bytes, out);
  if (dtype === "F16") return f16ToF32(bytes, out);
  if (dtype !== "F32") throw new TypeError(`toF32: found ${dtype}, expected BF16, F16 or F32`);
  if (bytes.length % 4 !== 0) throw new RangeError(`toF32: ${bytes.length} bytes are not a whole number of float32`);
  if (out) {
    if (out.length * 4 !== bytes.length)
      throw new RangeError(`toF32: out has ${out.length} elements, expected ${bytes.length / 4}`);
    new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
    return out;
  }
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, bytes.length / 4);
}

/** Views bytes as 16-bit numbers; copies only where the address is odd. */
function asUint16(bytes: Uint8Array, elements: number): Uint16Array {
  if (bytes.length !== elements * 2)
    throw new RangeError(`found ${bytes.length} bytes of 16-bit floats, expected ${elements * 2}`);
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, elements);
}

/** float32 bit patterns of all half-precision numbers (IEEE 754: 1 sign, 5 exponent, 10 fraction bits). */
function makeHalfTable(): Uint32Array {
  const table = new Uint32Array(0x10000);
  const value = new Float32Array(1);
  const valueBits = new Uint32Array(value.buffer);
  for (let half = 0; half < 0x10000; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) {
      value[0] = fraction * 2 ** -24; // zero and subnormal numbers
      table[half] = sign | valueBits[0]!;
    } else if (exponent === 0x1f) {
      table[half] = sign | 0x7f800000 | (fraction << 13); // infinity and NaN
    } else {
      table[half] = sign | ((exponent + 112) << 23) | (fraction << 13); // 112 = float32 bias 127 - half bias 15
    }
  }
  return table;
}
