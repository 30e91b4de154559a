/** @file Door of the runtime: what every runtime offers (tensors, sessions), and helpers that hold for all of them. */
export { disposeSessions } from "./dispose-sessions.ts";
export { bytesOf, type DType, viewOf } from "./dtypes.ts";
export { oncePerDevice } from "./once-per-device.ts";
export { RuntimeError } from "./runtime-error.ts";
export { createTensor, elementCount, wrapTensor } from "./tensor.ts";
export type {
  Device,
  DeviceMemory,
  DeviceTensor,
  Runtime,
  Session,
  SessionOptions,
  Tensor,
  TensorData,
  ValueInfo,
} from "./types.ts";
