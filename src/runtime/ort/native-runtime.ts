/** @file The runtime for Node: ONNX Runtime's C API through koffi. */
import { access } from "node:fs/promises";
import { RuntimeError } from "../runtime-error.ts";
import { createTensor, wrapTensor } from "../tensor.ts";
import type { Device, Runtime, Session, SessionOptions, Tensor } from "../types.ts";
import { deviceTurn } from "./device-turn.ts";
import { environment } from "./environment.ts";
import { kernelLibraryPath } from "./kernel-library.ts";
import { createNativeValue } from "./native-value.ts";
import type { Handle } from "./ort-api.ts";
import { OrtSession } from "./session.ts";
import { createNativeOptions } from "./session-options.ts";

/**
 * The runtime of this process. Loads ONNX Runtime's library on the first call.
 * @throws Error when the platform has no library or the library is too old.
 * @example
 * const runtime = nativeRuntime();
 * await using session = await runtime.createSession("model.onnx", { threads: 2 });
 */
export function nativeRuntime(): Runtime {
  shared ??= {
    version: `onnxruntime ${environment().api.version}`,
    get kernels() {
      return kernelLibraryPath();
    },
    check,
    createSession,
    createTensor,
    wrap: wrapTensor,
  };
  return shared;
}

let shared: Runtime | undefined;

function check(options: SessionOptions): void {
  environment().api.release("ReleaseSessionOptions", createNativeOptions(options));
}

async function createSession(model: string | Uint8Array, options: SessionOptions = {}): Promise<Session> {
  if (typeof model === "string") {
    await access(model).catch(() => {
      throw new RuntimeError(`There is no model at ${model}.`, "NO_SUCHFILE");
    });
  }
  const device = options.device ?? "cpu";
  return deviceTurn(device, () => load(model, options, device));
}

async function load(model: string | Uint8Array, options: SessionOptions, device: Device): Promise<Session> {
  const { api, env } = environment();
  const native = createNativeOptions(options);
  try {
    addInitializers(native, options.initializers ?? new Map());
    const out = new BigUint64Array(new ArrayBuffer(64), 0, 1);
    if (typeof model === "string") {
      await api.checkAsync(`Loading ${model}`, "CreateSession", env, model, native, out);
    } else {
      await api.checkAsync(
        "Loading a model from memory",
        "CreateSessionFromArray",
        env,
        model,
        model.byteLength,
        native,
        out,
      );
    }
    const session = out[0]!;
    try {
      return new OrtSession(session, device, options.profilePrefix !== undefined, options.initializers);
    } catch (error) {
      api.release("ReleaseSession", session);
      throw error;
    }
  } finally {
    api.release("ReleaseSessionOptions", native);
  }
}

function addInitializers(native: Handle, initializers: ReadonlyMap<string, Tensor>): void {
  if (initializers.size === 0) return;
  const { api } = environment();
  const values = [...initializers.values()].map(createNativeValue);
  try {
    const pointers = BigUint64Array.from(values);
    api.check(
      "Adding initializers",
      "AddExternalInitializers",
      native,
      [...initializers.keys()],
      pointers,
      values.length,
    );
  } finally {
    for (const value of values) api.release("ReleaseValue", value);
  }
}
