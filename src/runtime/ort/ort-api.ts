/** @file Binds the functions of ONNX Runtime's C API that the engine calls, by their slots in the append-only OrtApi struct. */
import type { LibraryHandle } from "koffi";
import { RuntimeError } from "../runtime-error.ts";
import { koffi } from "./koffi.ts";
import { ortLibraryPath } from "./library.ts";

/** Version of the OrtApi struct whose slots are used; every ONNX Runtime from 1.29 on serves it. */
const API_VERSION = 29;
/** Slots in that version: the struct is append-only, so a slot keeps its meaning in later versions. */
const API_SLOTS = 414;

/** A native pointer; 0n is null. */
export type Handle = bigint;

const PATH = process.platform === "win32" ? "str16" : "str";
const P = "void *";

/** OrtDeviceAllocator and OrtMemTypeDefault: the kind of memory that a description of memory names. */
export const DEVICE_ALLOCATOR = 0;
export const DEFAULT_MEMORY = 0;

/** name -> [slot, result, arguments]; a result of void* is an OrtStatus* (null when all went well). Signatures: onnxruntime_c_api.h. */
const FUNCTIONS = {
  GetErrorCode: [1, "int", [P]],
  GetErrorMessage: [2, "str", [P]],
  CreateEnv: [3, P, ["int", "str", P]],
  CreateSession: [7, P, [P, PATH, P, P]],
  CreateSessionFromArray: [8, P, [P, P, "size_t", P, P]],
  CreateSessionOptions: [10, P, [P]],
  SetOptimizedModelFilePath: [11, P, [P, PATH]],
  EnableProfiling: [14, P, [P, PATH]],
  EnableMemPattern: [16, P, [P]],
  DisableMemPattern: [17, P, [P]],
  EnableCpuMemArena: [18, P, [P]],
  DisableCpuMemArena: [19, P, [P]],
  SetSessionLogSeverityLevel: [22, P, [P, "int"]],
  SetSessionGraphOptimizationLevel: [23, P, [P, "int"]],
  SetIntraOpNumThreads: [24, P, [P, "int"]],
  SetInterOpNumThreads: [25, P, [P, "int"]],
  SessionGetInputCount: [30, P, [P, P]],
  SessionGetOutputCount: [31, P, [P, P]],
  SessionGetInputTypeInfo: [33, P, [P, "size_t", P]],
  SessionGetOutputTypeInfo: [34, P, [P, "size_t", P]],
  SessionGetInputName: [36, P, [P, "size_t", P, P]],
  SessionGetOutputName: [37, P, [P, "size_t", P, P]],
  CreateRunOptions: [39, P, [P]],
  RunOptionsSetTerminate: [46, P, [P]],
  RunOptionsUnsetTerminate: [47, P, [P]],
  CreateTensorWithDataAsOrtValue: [49, P, [P, P, "size_t", P, "size_t", "int", P]],
  CastTypeInfoToTensorInfo: [55, P, [P, P]],
  GetTensorElementType: [60, P, [P, P]],
  GetDimensionsCount: [61, P, [P, P]],
  GetDimensions: [62, P, [P, P, "size_t"]],
  GetSymbolicDimensions: [63, P, [P, P, "size_t"]],
  CreateMemoryInfo: [68, P, ["str", "int", "int", "int", P]],
  CreateCpuMemoryInfo: [69, P, ["int", "int", P]],
  AllocatorAlloc: [75, P, [P, "size_t", P]],
  AllocatorFree: [76, P, [P, P]],
  GetAllocatorWithDefaultOptions: [78, P, [P]],
  ReleaseEnv: [92, "void", [P]],
  ReleaseStatus: [93, "void", [P]],
  ReleaseMemoryInfo: [94, "void", [P]],
  ReleaseSession: [95, "void", [P]],
  ReleaseValue: [96, "void", [P]],
  ReleaseRunOptions: [97, "void", [P]],
  ReleaseTypeInfo: [98, "void", [P]],
  ReleaseSessionOptions: [100, "void", [P]],
  SessionEndProfiling: [110, P, [P, P, P]],
  GetAvailableProviders: [125, P, [P, P]],
  ReleaseAvailableProviders: [126, P, [P, "int"]],
  CreateAllocator: [131, P, [P, P, P]],
  ReleaseAllocator: [132, "void", [P]],
  AddSessionConfigEntry: [130, P, [P, "str", "str"]],
  RunWithBinding: [133, P, [P, P, P]],
  CreateIoBinding: [134, P, [P, P]],
  ReleaseIoBinding: [135, "void", [P]],
  BindInput: [136, P, [P, "str", P]],
  BindOutput: [137, P, [P, "str", P]],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, P, [P, P]],
  CreateCUDAProviderOptions: [205, P, [P]],
  UpdateCUDAProviderOptions: [206, P, [P, "const char **", "const char **", "size_t"]],
  ReleaseCUDAProviderOptions: [208, "void", [P]],
  AddExternalInitializers: [210, P, [P, "const char **", P, "size_t"]],
  SessionOptionsAppendExecutionProvider: [216, P, [P, "str", "const char **", "const char **", "size_t"]],
  RegisterCustomOpsLibrary_V2: [228, P, [P, PATH]],
} as const satisfies Record<string, readonly [number, string, readonly string[]]>;

export type OrtFunction = keyof typeof FUNCTIONS;
type Argument = Handle | number | string | ArrayBufferView | readonly string[] | null;
type NativeFunction = ((...args: Argument[]) => unknown) & { async: (...args: unknown[]) => void };

/** ONNX Runtime, loaded once per process. */
export interface OrtApi {
  readonly version: string;
  /** Held for good: koffi unmaps a library when its handle is collected, and functions found by address do not hold it. */
  readonly library: LibraryHandle;
  /** Calls a function that returns an OrtStatus and throws what it reports. */
  check(doing: string, name: OrtFunction, ...args: Argument[]): void;
  /** The same on a worker thread of koffi's; the arguments are kept alive until it is done. */
  checkAsync(doing: string, name: OrtFunction, ...args: Argument[]): Promise<void>;
  /** Calls a function that writes one pointer-sized value through its last parameter. */
  create(doing: string, name: OrtFunction, ...args: Argument[]): Handle;
  /** Calls a Release function. */
  release(name: OrtFunction, handle: Handle): void;
  releaseAsync(name: OrtFunction, handle: Handle): Promise<void>;
}

let loaded: OrtApi | undefined;

/**
 * Loads the library on the first call and returns the bound functions.
 * @throws Error when the library is missing or older than the struct version used here.
 */
export function ortApi(): OrtApi {
  loaded ??= bind();
  return loaded;
}

function bind(): OrtApi {
  const path = ortLibraryPath();
  const library = koffi.load(path);
  const base: Handle = library.func("void *OrtGetApiBase(void)")();
  const [getApi, getVersion] = koffi.decode(base, P, 2) as [Handle, Handle];
  const version: string = koffi.call(getVersion, koffi.proto("str", []));
  const api: Handle = koffi.call(getApi, koffi.proto(P, ["uint32_t"]), API_VERSION);
  if (!api) {
    throw new Error(`${path} is ONNX Runtime ${version}; version 1.${API_VERSION} or later is needed.`);
  }
  const slots = koffi.decode(api, P, API_SLOTS) as Handle[];
  const functions = new Map<OrtFunction, NativeFunction>();
  for (const [name, [slot, result, parameters]] of Object.entries(FUNCTIONS)) {
    functions.set(name as OrtFunction, koffi.decode(slots[slot], koffi.proto(result, [...parameters])));
  }
  const native = (name: OrtFunction): NativeFunction => functions.get(name)!;

  const raise = (doing: string, status: Handle): never => {
    const code = native("GetErrorCode")(status) as number;
    const message = native("GetErrorMessage")(status) as string;
    native("ReleaseStatus")(status);
    throw RuntimeError.fromStatus(code, message, doing);
  };
  const later = (name: OrtFunction, args: readonly Argument[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      native(name).async(...args, (error: Error | null, result: unknown) => {
        // Naming `args` here keeps the memory behind them alive until the native call has returned.
        if (error) reject(error);
        else resolve(args.length >= 0 ? result : undefined);
      });
    });
  const check: OrtApi["check"] = (doing, name, ...args) => {
    const status = native(name)(...args) as Handle | null;
    if (status) raise(doing, status);
  };
  return {
    version,
    library,
    check,
    async checkAsync(doing, name, ...args) {
      const status = (await later(name, args)) as Handle | null;
      if (status) raise(doing, status);
    },
    create(doing, name, ...args) {
      const out = new BigUint64Array(new ArrayBuffer(64), 0, 1);
      check(doing, name, ...args, out);
      return out[0]!;
    },
    release: (name, handle) => void native(name)(handle),
    releaseAsync: async (name, handle) => void (await later(name, [handle])),
  };
}
