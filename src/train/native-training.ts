/** @file What training graphs run on in Node: ONNX Runtime's library, and this package's kernels where they load. */
import type { Precision } from "../passes/index.ts";
import { nativeRuntime, trainingKernels } from "../runtime/ort/index.ts";
import type { TrainingRuntime } from "./step-session.ts";

/** @example const session = await createStepSession(graph, store, { on: nativeTraining(), trained }); */
export const nativeTraining = (): TrainingRuntime => ({ runtime: nativeRuntime(), kernels: trainingKernels() });

/** The precision that this machine computes in when `wanted` is asked for: bfloat16 needs native kernels that have it. */
export const usedPrecision = (wanted: Precision = "float32"): Precision =>
  wanted === "bfloat16" && trainingKernels()?.bfloat16 ? "bfloat16" : "float32";
