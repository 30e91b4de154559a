/** @file Turns SessionOptions into a native OrtSessionOptions. */

import { RuntimeError } from "../runtime-error.ts";
import type { Device, SessionOptions } from "../types.ts";
import { environment } from "./environment.ts";
import type { Handle } from "./ort-api.ts";
import { physicalCores } from "./physical-cores.ts";

/** The code of errors about a device that this machine or library does not have. */
const NO_DEVICE = "no-device";

const GRAPH_OPTIMIZATION = { off: 0, basic: 1, extended: 2, all: 99 } as const;

/** Execution provider behind each device: ONNX Runtime's name for it in the list of providers, and when it is appended. */
const PROVIDERS: Readonly<Record<Exclude<Device, "cpu">, { listed: string; appended: string }>> = {
  cuda: { listed: "CUDAExecutionProvider", appended: "CUDA" },
  webgpu: { listed: "WebGpuExecutionProvider", appended: "WebGPU" },
};

/**
 * Creates the native options; the caller releases them with ReleaseSessionOptions.
 * @throws RuntimeError when an option is refused or the device is not offered by the loaded library.
 */
export function createNativeOptions(options: SessionOptions): Handle {
  const { api } = environment();
  const native = api.create("Creating session options", "CreateSessionOptions");
  try {
    apply(native, options);
  } catch (error) {
    api.release("ReleaseSessionOptions", native);
    throw error;
  }
  return native;
}

function apply(native: Handle, options: SessionOptions): void {
  const { api } = environment();
  const set = (...args: Parameters<typeof api.check> extends [string, ...infer Rest] ? Rest : never) =>
    api.check(`Setting session option ${args[0]}`, ...args);
  set("SetSessionGraphOptimizationLevel", native, GRAPH_OPTIMIZATION[options.graphOptimization ?? "all"]);
  set("SetSessionLogSeverityLevel", native, options.logSeverity ?? 4);
  // Graphs here are chains: nothing is gained from running operators side by side.
  set("SetInterOpNumThreads", native, 1);
  const threads = options.threads ?? physicalCores();
  if (threads !== undefined) {
    if (!Number.isInteger(threads) || threads < 1) {
      throw new RangeError(`threads must be a whole number >= 1; found ${threads}.`);
    }
    set("SetIntraOpNumThreads", native, threads);
  }
  set(options.memoryPattern ? "EnableMemPattern" : "DisableMemPattern", native);
  set((options.memoryArena ?? true) ? "EnableCpuMemArena" : "DisableCpuMemArena", native);
  if (options.optimizedModelPath) set("SetOptimizedModelFilePath", native, options.optimizedModelPath);
  if (options.profilePrefix) set("EnableProfiling", native, options.profilePrefix);
  const config: Record<string, string> = {
    "session.intra_op.allow_spinning": (options.spinning ?? true) ? "1" : "0",
    // Without this, threads spin for about a second after every run and take the cores from other sessions.
    "session.force_spinning_stop": "1",
    // Weights outside the arena: the arena only grows, and would keep them after they are gone.
    "session.use_device_allocator_for_initializers": "1",
    ...options.config,
  };
  for (const [key, value] of Object.entries(config)) {
    api.check(`Setting session option "${key}"`, "AddSessionConfigEntry", native, key, value);
  }
  if (options.customOps) {
    api.check(
      `Loading custom operators from ${options.customOps}`,
      "RegisterCustomOpsLibrary_V2",
      native,
      options.customOps,
    );
  }
  appendDevice(native, options.device ?? "cpu", options.deviceOptions ?? {});
}

function appendDevice(native: Handle, device: Device, deviceOptions: Readonly<Record<string, string>>): void {
  if (device === "cpu") return;
  const { api, providers } = environment();
  const provider = PROVIDERS[device];
  if (!provider) {
    throw new RangeError(
      `Unknown device "${device}"; expected "cpu", ${Object.keys(PROVIDERS)
        .map((d) => `"${d}"`)
        .join(" or ")}.`,
    );
  }
  if (!providers.includes(provider.listed)) {
    throw new RuntimeError(
      `device "${device}" is not offered by the loaded ONNX Runtime ${api.version}, which has ${providers.join(", ")}. ` +
        `Use device "cpu", or set FLASHVL_ORT_LIBRARY to a build with ${provider.listed}.`,
      NO_DEVICE,
    );
  }
  try {
    appendProvider(native, device, provider.appended, deviceOptions);
  } catch (error) {
    // A library can list a provider whose own shared library, driver or device is missing.
    throw new RuntimeError(
      `device "${device}" cannot be used on this machine: ${(error as Error).message}. ` +
        `Install what ${provider.listed} needs, set FLASHVL_ORT_LIBRARY to a build that has it, or use device "cpu".`,
      NO_DEVICE,
    );
  }
}

function appendProvider(
  native: Handle,
  device: Device,
  name: string,
  deviceOptions: Readonly<Record<string, string>>,
): void {
  const { api } = environment();
  const keys = Object.keys(deviceOptions);
  const values = Object.values(deviceOptions);
  const doing = `Adding ${name}`;
  if (device !== "cuda") {
    api.check(doing, "SessionOptionsAppendExecutionProvider", native, name, keys, values, keys.length);
    return;
  }
  const cuda = api.create(doing, "CreateCUDAProviderOptions");
  try {
    if (keys.length > 0) api.check(doing, "UpdateCUDAProviderOptions", cuda, keys, values, keys.length);
    api.check(doing, "SessionOptionsAppendExecutionProvider_CUDA_V2", native, cuda);
  } finally {
    api.release("ReleaseCUDAProviderOptions", cuda);
  }
}
