/** @file Reads names, types and shapes of a session's inputs and outputs. */

import { dtypeOfOnnx } from "../dtypes.ts";
import { RuntimeError } from "../runtime-error.ts";
import type { ValueInfo } from "../types.ts";
import { environment } from "./environment.ts";
import { koffi } from "./koffi.ts";
import type { Handle } from "./ort-api.ts";

/** Describes every input or every output of a native session. */
export function readValueInfos(session: Handle, side: "Input" | "Output"): ValueInfo[] {
  const { api } = environment();
  const count = Number(api.create(`Counting ${side}s`, `SessionGet${side}Count`, session));
  return Array.from({ length: count }, (_, index) => readOne(session, side, index));
}

function readOne(session: Handle, side: "Input" | "Output", index: number): ValueInfo {
  const { api, allocator } = environment();
  const doing = `Reading ${side.toLowerCase()} ${index}`;
  const text = api.create(doing, `SessionGet${side}Name`, session, index, allocator);
  const name = koffi.decode.string(text);
  api.check(doing, "AllocatorFree", allocator, text);

  const typeInfo = api.create(doing, `SessionGet${side}TypeInfo`, session, index);
  try {
    // The tensor info belongs to the type info and is not released on its own.
    const tensorInfo = api.create(doing, "CastTypeInfoToTensorInfo", typeInfo);
    if (!tensorInfo)
      throw new RuntimeError(`${side} "${name}" is not a tensor; only tensors can be bound.`, "NOT_IMPLEMENTED");
    const onnx = Number(api.create(doing, "GetTensorElementType", tensorInfo) & 0xffff_ffffn);
    const dtype = dtypeOfOnnx(onnx);
    if (!dtype)
      throw new RuntimeError(
        `${side} "${name}" has ONNX element type ${onnx}, which no tensor here can hold.`,
        "NOT_IMPLEMENTED",
      );
    return { name, dtype, dims: readDims(tensorInfo, doing) };
  } finally {
    api.release("ReleaseTypeInfo", typeInfo);
  }
}

function readDims(tensorInfo: Handle, doing: string): (number | string)[] {
  const { api } = environment();
  const rank = Number(api.create(doing, "GetDimensionsCount", tensorInfo));
  if (rank === 0) return [];
  const sizes = new BigInt64Array(new ArrayBuffer(Math.max(64, rank * 8)), 0, rank);
  const names = new BigUint64Array(new ArrayBuffer(Math.max(64, rank * 8)), 0, rank);
  api.check(doing, "GetDimensions", tensorInfo, sizes, rank);
  api.check(doing, "GetSymbolicDimensions", tensorInfo, names, rank);
  return Array.from(sizes, (size, axis) => {
    if (size >= 0n) return Number(size);
    const symbol = names[axis] ? koffi.decode.string(names[axis]) : "";
    return symbol || `axis${axis}`;
  });
}
