/** @file Door of the runtime: everything that touches ONNX Runtime is behind it. */
export { disposeSessions } from "./dispose-sessions.ts";
export { bytesOf, type DType, viewOf } from "./dtypes.ts";
export { kernelLibraryPath, type TrainingKernels, trainingKernels } from "./kernel-library.ts";
export { nativeRuntime } from "./native-runtime.ts";
export { perDevice } from "./per-device.ts";
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
