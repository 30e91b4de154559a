/** @file Conversion between stored floats and numbers in bulk: bytes as bfloat16, float16 or float32. Little-endian machines only, as all that Node runs on are. */

import { floatToHalf, halfToFloat } from "./half.ts";

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
    throw new RangeError(`The output of f32ToBf16 has ${out.length} elements; expected ${values.length}.`);
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
export function toF32(bytes: Uint8Array, dtype: string, out?: Float32Array): Float32Array {
  if (dtype === "BF16") return bf16ToF32(bytes, out);
  if (dtype === "F16") return f16ToF32(bytes, out);
  if (dtype !== "F32") throw unsupported(dtype);
  if (bytes.length % 4 !== 0) throw new RangeError(`${bytes.length} bytes are not a whole number of float32.`);
  if (out) {
    if (out.length * 4 !== bytes.length)
      throw new RangeError(`The output of toF32 has ${out.length} elements; expected ${bytes.length / 4}.`);
    new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
    return out;
  }
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, bytes.length / 4);
}

/**
 * Stored bytes of a float type as float16 bits, each number rounded to the nearest.
 *
 * @throws RangeError where a number lies beyond float16's ±65504, naming it; TypeError for types that are not BF16, F16 or F32
 * @example toF16(new Uint8Array(Float32Array.of(1).buffer), "F32") // [0x3c00]
 */
export function toF16(bytes: Uint8Array, dtype: string): Uint16Array {
  if (dtype === "F16") return asUint16(bytes, bytes.length / 2);
  const halves = dtype === "BF16" ? bf16ToF16(bytes) : Uint16Array.from(toF32(bytes, dtype), floatToHalf);
  for (let i = 0; i < halves.length; i++)
    if ((halves[i]! & 0x7c00) === 0x7c00)
      throw new RangeError(
        `Number ${i} does not fit float16, whose largest is 65504. Use a preset that keeps float32, such as fp32.`,
      );
  return halves;
}

let halfOfBf16: Uint16Array | undefined;

/** Through a table of all 65536 values, made on first use. */
function bf16ToF16(bytes: Uint8Array): Uint16Array {
  halfOfBf16 ??= Uint16Array.from(
    bf16ToF32(new Uint8Array(Uint16Array.from({ length: 0x10000 }, (_, i) => i).buffer)),
    floatToHalf,
  );
  const table = halfOfBf16;
  const out = new Uint16Array(bytes.length / 2);
  const source = asUint16(bytes, out.length);
  for (let i = 0; i < out.length; i++) out[i] = table[source[i]!]!;
  return out;
}

const unsupported = (dtype: string): TypeError =>
  new TypeError(`The element type ${dtype} is not supported; expected BF16, F16 or F32.`);

/** Views bytes as 16-bit numbers; copies only where the address is odd. */
function asUint16(bytes: Uint8Array, elements: number): Uint16Array {
  if (bytes.length !== elements * 2)
    throw new RangeError(`Found ${bytes.length} bytes of 16-bit floats; expected ${elements * 2}.`);
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, elements);
}

/** float32 bit patterns of all half-precision numbers. */
const makeHalfTable = (): Uint32Array =>
  new Uint32Array(Float32Array.from({ length: 0x10000 }, (_, half) => halfToFloat(half)).buffer);
