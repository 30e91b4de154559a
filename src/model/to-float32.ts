/** @file A checkpoint's bytes as float32 numbers. */
import { halfToFloat } from "./quantize/half.ts";

/** Source bytes as float32. @throws Error on element types that are not floating point */
export function toFloat32(bytes: Uint8Array, dtype: string): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (dtype === "F32") return new Float32Array(aligned.buffer, aligned.byteOffset, bytes.length / 4);
  const half = new Uint16Array(aligned.buffer, aligned.byteOffset, bytes.length / 2);
  const out = new Float32Array(half.length);
  const bits = new Uint32Array(out.buffer);
  if (dtype === "BF16") for (let i = 0; i < half.length; i++) bits[i] = half[i]! << 16;
  else if (dtype === "F16") for (let i = 0; i < half.length; i++) out[i] = halfToFloat(half[i]!);
  else throw new Error(`the element type ${dtype} is not supported: expected BF16, F16 or F32`);
  return out;
}
