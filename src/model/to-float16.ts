/** @file Numbers as float16 bits: a checkpoint's bytes, or float32 numbers that were computed. */
import { floatToHalf } from "./quantize/half.ts";

/** The float16 of every bfloat16, since there are only 65,536. */
let ofBfloat16: Uint16Array | undefined;

function bfloat16Table(): Uint16Array {
  if (ofBfloat16) return ofBfloat16;
  const bits = Uint32Array.from({ length: 1 << 16 }, (_, i) => i << 16);
  ofBfloat16 = Uint16Array.from(new Float32Array(bits.buffer), floatToHalf);
  return ofBfloat16;
}

/**
 * Source bytes as float16, each number rounded to the nearest.
 * @param dtype BF16, F16 or F32
 * @throws RangeError where a number lies beyond float16's ±65504, naming it
 */
export function toFloat16(bytes: Uint8Array, dtype: string): Uint16Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const count = bytes.length / (dtype === "F32" ? 4 : 2);
  if (dtype === "F16") return new Uint16Array(aligned.buffer, aligned.byteOffset, count);
  const out = new Uint16Array(count);
  if (dtype === "BF16") {
    const table = bfloat16Table();
    const source = new Uint16Array(aligned.buffer, aligned.byteOffset, count);
    for (let i = 0; i < count; i++) out[i] = table[source[i]!]!;
  } else if (dtype === "F32") {
    const source = new Float32Array(aligned.buffer, aligned.byteOffset, count);
    for (let i = 0; i < count; i++) out[i] = floatToHalf(source[i]!);
  } else throw new Error(`the element type ${dtype} is not supported: expected BF16, F16 or F32`);
  for (let i = 0; i < count; i++)
    if ((out[i]! & 0x7c00) === 0x7c00)
      throw new RangeError(
        `number ${i} does not fit float16, whose largest is 65504. Use a preset that keeps float32, such as fp32.`,
      );
  return out;
}
