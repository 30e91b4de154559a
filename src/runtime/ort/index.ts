/** @file Door of ONNX Runtime in Node: all that touches its library, and this package's kernels for it. */
export { kernelLibraryPath, type TrainingKernels, trainingKernels } from "./kernel-library.ts";
export { koffi } from "./koffi.ts";
export { nativeRuntime } from "./native-runtime.ts";
export { physicalCores } from "./physical-cores.ts";
