/** @file The one OrtEnv of the process, and what the loaded library offers. */
import { koffi } from "./koffi.ts";
import { DEFAULT_MEMORY, DEVICE_ALLOCATOR, type Handle, type OrtApi, ortApi } from "./ort-api.ts";

/** Only what kills the process is printed: errors arrive as exceptions with the same text. */
const LOG_FATAL = 4;

/** Handles that live as long as the process: ONNX Runtime allows one environment, and others in the process may share it. */
export interface Environment {
  api: OrtApi;
  env: Handle;
  cpuMemory: Handle;
  allocator: Handle;
  /** Names as ONNX Runtime spells them, for example "CPUExecutionProvider". */
  providers: readonly string[];
}

let shared: Environment | undefined;

/** The environment, made on the first call. */
export function environment(): Environment {
  if (shared) return shared;
  const api = ortApi();
  const env = api.create("Starting ONNX Runtime", "CreateEnv", LOG_FATAL, "flashvl");
  const cpuMemory = api.create("Describing CPU memory", "CreateCpuMemoryInfo", DEVICE_ALLOCATOR, DEFAULT_MEMORY);
  const allocator = api.create("Finding the allocator", "GetAllocatorWithDefaultOptions");
  shared = { api, env, cpuMemory, allocator, providers: availableProviders(api) };
  return shared;
}

let deviceSessions = 0;
let leaving = false;

/**
 * Counts sessions on devices other than the CPU. Their drivers must be let go in order, before the process takes down its
 * libraries in any order, so the environment is released when it ends; unless a session is still open, which needs it.
 */
export function countDeviceSessions(change: 1 | -1): void {
  deviceSessions += change;
  if (leaving) return;
  leaving = true;
  process.once("exit", () => {
    if (deviceSessions === 0 && shared) shared.api.release("ReleaseEnv", shared.env);
  });
}

function availableProviders(api: OrtApi): string[] {
  const list = new BigUint64Array(new ArrayBuffer(64), 0, 1);
  const count = new Int32Array(new ArrayBuffer(64), 0, 1);
  api.check("Listing execution providers", "GetAvailableProviders", list, count);
  const names = koffi.decode(list[0]!, "str", count[0]!) as string[];
  api.check("Listing execution providers", "ReleaseAvailableProviders", list[0]!, count[0]!);
  return names;
}
