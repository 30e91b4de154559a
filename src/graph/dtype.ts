/** @file Element types of tensors: their names, their sizes and their codes in ONNX. */

/** Bytes per element and the code of `TensorProto.DataType` (onnx/onnx, onnx.proto). */
const table = {
  float32: { bytes: 4, onnx: 1 },
  uint8: { bytes: 1, onnx: 2 },
  int8: { bytes: 1, onnx: 3 },
  int32: { bytes: 4, onnx: 6 },
  int64: { bytes: 8, onnx: 7 },
  bool: { bytes: 1, onnx: 9 },
  float16: { bytes: 2, onnx: 10 },
  bfloat16: { bytes: 2, onnx: 16 },
} as const;

export type DType = keyof typeof table;

/** Bytes that one element of `dtype` takes. @example `bytesPerElement("float32") // 4` */
export const bytesPerElement = (dtype: DType): number => table[dtype].bytes;

/** The number by which ONNX knows `dtype`. @example `onnxCode("int64") // 7` */
export const onnxCode = (dtype: DType): number => table[dtype].onnx;
