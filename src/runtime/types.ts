/** @file The small interface every runtime implements: tensors over plain ArrayBuffers, sessions that read and write them in place. */
import type { DType } from "../graph/index.ts";

/** Where a session runs. Everything but "cpu" depends on what the loaded ONNX Runtime library offers. */
export type Device = "cpu" | "cuda" | "webgpu";

/** The typed arrays that can back a tensor. */
export type TensorData = Float32Array | Int8Array | Uint8Array | Uint16Array | Int32Array | BigInt64Array;

/**
 * A dense tensor in row-major order. `data` is a view over memory that a session reads and writes directly:
 * what a run writes into a bound output is in `data` when the run's promise resolves, without a copy.
 * The buffer must not be transferred to another thread while it is bound.
 */
export interface Tensor<D extends TensorData = TensorData> {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: D;
}

/**
 * Memory of a device, which only sessions of that device and runtime can read and write: where it is, is the affair of the
 * runtime that made it. Nothing may use it after `release`.
 */
export interface DeviceMemory {
  readonly bytes: number;
  /** Gives it back once no run is in progress; a second time does nothing. */
  release(): Promise<void>;
}

/** A dense tensor in row-major order at the beginning of a device's memory. Sessions of that device take it without a copy. */
export interface DeviceTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly memory: DeviceMemory;
}

/** Name, type and shape of one input or output; a dimension that is free is given by its name. */
export interface ValueInfo {
  name: string;
  dtype: DType;
  dims: readonly (number | string)[];
}

export interface SessionOptions {
  /** Threads of one operator. Default: the physical cores, or ONNX Runtime's own choice where the system does not tell them. */
  threads?: number;
  /** Whether idle threads spin between the operators of a run (faster, but burns CPU). They never spin between runs. Default true. */
  spinning?: boolean;
  /** Graph optimisation. Default "all". */
  graphOptimization?: "off" | "basic" | "extended" | "all";
  /** Reuse of a memory plan for repeated shapes. Default false: prompt lengths differ from run to run. */
  memoryPattern?: boolean;
  /** ONNX Runtime's arena for activations. Default true: faster, keeps its peak. */
  memoryArena?: boolean;
  /** Writes the optimised graph here while the session is created. */
  optimizedModelPath?: string;
  /** Raw session configuration entries, for example `session.save_external_prepacked_constant_initializers`. */
  config?: Readonly<Record<string, string>>;
  /** Where to run. Default "cpu". */
  device?: Device;
  /** Options of the execution provider behind `device`. */
  deviceOptions?: Readonly<Record<string, string>>;
  /** Shared library with custom operators. */
  customOps?: string;
  /** Writes a profile to `<prefix>_<time>.json` when the session is disposed. */
  profilePrefix?: string;
  /** Memory for initializers that the model declares as external data, by name; kept alive by the session. */
  initializers?: ReadonlyMap<string, Tensor>;
  /** 0 verbose, 1 info, 2 warning, 3 error, 4 fatal. Default 4: errors arrive as exceptions. */
  logSeverity?: 0 | 1 | 2 | 3 | 4;
}

/** A loaded graph with one set of bound tensors. Bindings stay until they are replaced. */
export interface Session extends AsyncDisposable, Disposable {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly disposed: boolean;
  /** Where it runs. */
  readonly device: Device;
  /**
   * Whether a run reads and writes tensors in the CPU's memory where they are. Otherwise they are copied in before every run
   * and out after it: the results are the same, but a run costs what the bound tensors are large.
   */
  readonly inPlace: boolean;
  /**
   * Binds the memory an input is read from. The same tensor may be bound as an output too: the graph then appends to it (a KV
   * cache whose past and present are one).
   */
  bindInput(name: string, tensor: Tensor | DeviceTensor): void;
  /** Binds the memory an output is written to. */
  bindOutput(name: string, tensor: Tensor | DeviceTensor): void;
  /**
   * Memory of the session's device, for its tensors and those of other sessions there. Its content is undefined. It must be
   * released before this session is disposed.
   * @throws RuntimeError when the device has not enough
   */
  allocate(bytes: number): Promise<DeviceMemory>;
  /** Runs the graph once without blocking the event loop. Rejects with the signal's reason when aborted. */
  run(signal?: AbortSignal): Promise<void>;
  /** Releases everything native; waits for a run in progress. Calling it again does nothing. */
  dispose(): Promise<void>;
}

/** Creates tensors and sessions. */
export interface Runtime {
  /** For example "onnxruntime 1.30.0". Part of the key of compiled graphs. */
  readonly version: string;
  /** This package's library of kernels, which sessions on the CPU take as `customOps`; undefined where the runtime has none. */
  readonly kernels: string | undefined;
  /** Throws what `createSession` would throw for these options, such as a device that this machine lacks. */
  check(options: SessionOptions): void;
  /** Loads a model from a path (external data is found beside it) or from bytes. Does not block the event loop. */
  createSession(model: string | Uint8Array, options?: SessionOptions): Promise<Session>;
  /** A new tensor filled with zeros. */
  createTensor(dtype: DType, dims: readonly number[]): Tensor;
  /** A tensor over memory that the caller owns; nothing is copied. */
  wrap(dtype: DType, dims: readonly number[], buffer: ArrayBufferLike, byteOffset?: number): Tensor;
}
