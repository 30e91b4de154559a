/** @file The runtime for pages: onnxruntime-web, on WebAssembly or WebGPU. */
import type { InferenceSession } from "onnxruntime-web";
import { Mutex } from "../../common/index.ts";
import { RuntimeError } from "../runtime-error.ts";
import { createTensor, wrapTensor } from "../tensor.ts";
import type { Runtime, Session, SessionOptions } from "../types.ts";
import type { GpuDevice } from "./memory.ts";
import { failing, type OrtWeb } from "./ort-web.ts";
import { WebSession } from "./session.ts";

/** What sessions in a page take beside what all runtimes do. */
export interface WebSessionOptions extends SessionOptions {
  /** Files that the model names as external data, by those names: their bytes, a File of them, or a URL. */
  externalData?: ReadonlyMap<string, Uint8Array | Blob | string>;
}

export interface WebRuntime extends Runtime {
  createSession(model: string | Uint8Array, options?: WebSessionOptions): Promise<Session>;
}

/** Options that need files, native libraries, or threads of their own. */
const NATIVE_ONLY = ["customOps", "deviceOptions", "initializers", "optimizedModelPath", "profilePrefix"] as const;

/**
 * A runtime over a build of onnxruntime-web.
 * @param threads of every operator; more than one needs a page that is isolated (COOP and COEP)
 * @example
 * import * as ort from "onnxruntime-web/wasm";
 * const runtime = webRuntime(ort, { threads: crossOriginIsolated ? 2 : 1 });
 * await using session = await runtime.createSession("/graphs/decode.onnx");
 */
export function webRuntime(ort: OrtWeb, { threads = 1 }: { threads?: number } = {}): WebRuntime {
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "fatal";
  const turns = new Mutex();

  function check(options: SessionOptions): void {
    const { device = "cpu" } = options;
    const refused = NATIVE_ONLY.find((name) => options[name] !== undefined);
    if (refused)
      throw new RuntimeError(`Option "${refused}" does not exist in a page; leave it out.`, "INVALID_ARGUMENT");
    if ((options.threads ?? threads) !== threads)
      throw new RuntimeError(
        `All sessions of a page have the threads of their runtime, ${threads}; found threads ${options.threads}.`,
        "INVALID_ARGUMENT",
      );
    if (device === "cpu" || (device === "webgpu" && "gpu" in (globalThis.navigator ?? {}))) return;
    throw new RuntimeError(`device "${device}" is not offered by this page; use device "cpu".`, "no-device");
  }

  async function load(model: string | Uint8Array, options: WebSessionOptions): Promise<Session> {
    const onGpu = options.device === "webgpu";
    const native = nativeOptions(options, onGpu);
    const doing = typeof model === "string" ? `Loading ${model}` : "Loading a model from memory";
    // Two overloads, of which each takes one kind.
    const session = await failing(doing, ort.InferenceSession.create(model as string, native));
    // The library makes the device with the first session on it.
    const gpu = onGpu ? ((await ort.env.webgpu.device) as unknown as GpuDevice) : undefined;
    try {
      return new WebSession(ort, session, gpu, turns);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  return {
    version: `onnxruntime-web ${ort.env.versions.web}`,
    check,
    async createSession(model, options = {}) {
      check(options);
      return turns.run(() => load(model, options));
    },
    kernels: undefined,
    createTensor,
    wrap: wrapTensor,
  };
}

function nativeOptions(options: WebSessionOptions, onGpu: boolean): InferenceSession.SessionOptions {
  const { graphOptimization = "all" } = options;
  return {
    executionProviders: [onGpu ? "webgpu" : "wasm"],
    graphOptimizationLevel: graphOptimization === "off" ? "disabled" : graphOptimization,
    enableMemPattern: options.memoryPattern ?? false,
    enableCpuMemArena: options.memoryArena ?? true,
    logSeverityLevel: options.logSeverity ?? 4,
    externalData: [...(options.externalData ?? [])].map(([path, data]) => ({ path, data })),
    extra: {
      ...(options.spinning === false && { "session.intra_op.allow_spinning": "0" }),
      ...options.config,
    },
  };
}
