/** @file The typed arrays that hold each of the graph room's element types. */
import { bytesPerElement, type DType, onnxCode } from "../graph/index.ts";
import type { TensorData } from "./types.ts";

export { bytesPerElement as bytesOf, type DType, onnxCode as onnxType };

/** 16-bit floats live in Uint16Arrays as raw bits: Node 20 has no Float16Array and no engine has one for bfloat16. */
const ARRAYS = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
} as const satisfies Record<DType, unknown>;

const BY_ONNX = new Map(Object.keys(ARRAYS).map((dtype) => [onnxCode(dtype as DType), dtype as DType]));

/** The type behind an ONNX number, or undefined for types no tensor here can hold (strings, doubles, 4-bit integers). */
export const dtypeOfOnnx = (onnx: number): DType | undefined => BY_ONNX.get(onnx);

/** A typed array of the right kind over existing memory. */
export function viewOf(dtype: DType, buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData {
  return new ARRAYS[dtype](buffer as ArrayBuffer, byteOffset, length);
}
