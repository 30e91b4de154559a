/** @file Wraps a tensor's memory in an OrtValue for as long as native code needs to be told about it. */
import { bytesOf, onnxType } from "../dtypes.ts";
import { elementCount } from "../tensor.ts";
import type { DeviceTensor, Tensor } from "../types.ts";
import { nativeAddress } from "./device-allocator.ts";
import { environment } from "./environment.ts";
import type { Handle } from "./ort-api.ts";

/** Where tensors without elements point: ONNX Runtime refuses a null pointer even when it reads nothing. */
const NOTHING = new Uint8Array(new ArrayBuffer(64));

/**
 * Calls `use` with an OrtValue over the tensor's memory and releases the handle after it.
 * Bindings and session options keep their own reference to the value, so the handle itself need not live on; the memory must.
 */
export function withNativeValue<Result>(tensor: Tensor | DeviceTensor, use: (value: Handle) => Result): Result {
  const value = createNativeValue(tensor);
  try {
    return use(value);
  } finally {
    environment().api.release("ReleaseValue", value);
  }
}

/** An OrtValue over the tensor's memory; the caller releases it. */
export function createNativeValue(tensor: Tensor | DeviceTensor): Handle {
  const { api, cpuMemory } = environment();
  const { dims } = tensor;
  const shape = new BigInt64Array(new ArrayBuffer(Math.max(64, dims.length * 8)), 0, dims.length);
  for (let axis = 0; axis < dims.length; axis++) shape[axis] = BigInt(dims[axis]!);
  const [place, memory, bytes] = "memory" in tensor ? onDevice(tensor) : inMemory(tensor, cpuMemory);
  return api.create(
    "Wrapping a tensor",
    "CreateTensorWithDataAsOrtValue",
    place,
    memory,
    bytes,
    dims.length > 0 ? shape : NOTHING,
    dims.length,
    onnxType(tensor.dtype),
  );
}

type Where = [place: Handle, memory: Handle | Tensor["data"], bytes: number];

function onDevice({ memory, dims, dtype }: DeviceTensor): Where {
  const { place, pointer } = nativeAddress(memory);
  return [place, pointer, elementCount(dims) * bytesOf(dtype)];
}

const inMemory = ({ data }: Tensor, place: Handle): Where => [
  place,
  data.byteLength > 0 ? data : NOTHING,
  data.byteLength,
];
