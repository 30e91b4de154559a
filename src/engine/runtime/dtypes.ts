/** @file The element types a tensor can have, with their ONNX numbers, sizes and the typed arrays that hold them. */
import type { TensorData } from "./types.ts";

/** 16-bit floats live in Uint16Arrays as raw bits: Node 20 has no Float16Array and no engine has one for bfloat16. */
const TABLE = {
  f32: { onnx: 1, bytes: 4, array: Float32Array },
  u8: { onnx: 2, bytes: 1, array: Uint8Array },
  i8: { onnx: 3, bytes: 1, array: Int8Array },
  u16: { onnx: 4, bytes: 2, array: Uint16Array },
  i16: { onnx: 5, bytes: 2, array: Int16Array },
  i32: { onnx: 6, bytes: 4, array: Int32Array },
  i64: { onnx: 7, bytes: 8, array: BigInt64Array },
  bool: { onnx: 9, bytes: 1, array: Uint8Array },
  f16: { onnx: 10, bytes: 2, array: Uint16Array },
  f64: { onnx: 11, bytes: 8, array: Float64Array },
  u32: { onnx: 12, bytes: 4, array: Uint32Array },
  u64: { onnx: 13, bytes: 8, array: BigUint64Array },
  bf16: { onnx: 16, bytes: 2, array: Uint16Array },
} as const;

/** Element type of a tensor. */
export type DType = keyof typeof TABLE;

const BY_ONNX = new Map<number, DType>(Object.entries(TABLE).map(([name, { onnx }]) => [onnx, name as DType]));

/** The number ONNX gives this type (`TensorProto.DataType`). */
export const onnxType = (dtype: DType): number => TABLE[dtype].onnx;

/** The type behind an ONNX number, or undefined for types no tensor here can hold (strings, 4-bit integers). */
export const dtypeOfOnnx = (onnx: number): DType | undefined => BY_ONNX.get(onnx);

/** Bytes of one element. */
export const bytesOf = (dtype: DType): number => TABLE[dtype].bytes;

/** A typed array of the right kind over existing memory. */
export function viewOf(dtype: DType, buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData {
  return new TABLE[dtype].array(buffer as ArrayBuffer, byteOffset, length);
}
