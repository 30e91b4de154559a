/** @file The parts of onnxruntime-web that are used, and its errors as this package's. */
import type { Env, InferenceSessionFactory, TensorConstructor, TensorFactory } from "onnxruntime-web";
import { errorCode, RuntimeError } from "../runtime-error.ts";

/** A build of onnxruntime-web; the page chooses which: `import * as ort from "onnxruntime-web/wasm"` or "…/webgpu". */
export interface OrtWeb {
  readonly env: Env;
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor & TensorFactory;
}

/** The library's outcome; what it throws becomes a RuntimeError with ONNX Runtime's message and code. */
export async function failing<Result>(doing: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const [, code, message] = /ERROR_CODE: (\d+), ERROR_MESSAGE: (.*)/s.exec(text) ?? [];
    throw new RuntimeError(`${doing}: ${(message ?? text).trim()}`, code === undefined ? "FAIL" : errorCode(+code));
  }
}
