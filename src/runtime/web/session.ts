/** @file A loaded graph over onnxruntime-web: what it reads is copied in before a run and what it writes out after it, except on a GPU what lies there. */
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-web";
import { type Mutex, nextTurn } from "../../common/index.ts";
import { Bindings, type Side } from "../bindings.ts";
import { type DType, viewOf } from "../dtypes.ts";
import { RuntimeError } from "../runtime-error.ts";
import { elementCount } from "../tensor.ts";
import type { Device, DeviceMemory, DeviceTensor, Session, Tensor, ValueInfo } from "../types.ts";
import { allocateMemory, type GpuDevice, placeOf } from "./memory.ts";
import { failing, type OrtWeb } from "./ort-web.ts";

/** The types of onnxruntime-web that tensors here can hold; their names are the same. */
const DTYPES: ReadonlySet<string> = new Set<DType>(["float32", "float16", "int8", "uint8", "int32", "int64", "bool"]);

/** Takes over a session of onnxruntime-web. */
export class WebSession implements Session {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly device: Device;
  readonly inPlace = false;
  readonly #ort: OrtWeb;
  readonly #session: InferenceSession;
  readonly #gpu: GpuDevice | undefined;
  readonly #turns: Mutex;
  readonly #bindings: Bindings;
  #running: Promise<void> | undefined;
  #disposing: Promise<void> | undefined;

  /**
   * @param gpu undefined on the CPU
   * @param turns runs of all sessions, one after the other: the library has one stack
   * @throws RuntimeError when an input or output is no tensor, or of a type that no tensor here can hold
   */
  constructor(ort: OrtWeb, session: InferenceSession, gpu: GpuDevice | undefined, turns: Mutex) {
    this.#ort = ort;
    this.#session = session;
    this.#gpu = gpu;
    this.#turns = turns;
    this.device = gpu ? "webgpu" : "cpu";
    this.inputs = session.inputMetadata.map(valueInfo);
    this.outputs = session.outputMetadata.map(valueInfo);
    this.inputNames = session.inputNames;
    this.outputNames = session.outputNames;
    this.#bindings = new Bindings(this.inputs, this.outputs);
  }

  get disposed(): boolean {
    return this.#disposing !== undefined;
  }

  bindInput(name: string, tensor: Tensor | DeviceTensor): void {
    this.#bind("input", name, tensor);
  }

  bindOutput(name: string, tensor: Tensor | DeviceTensor): void {
    this.#bind("output", name, tensor);
  }

  async allocate(bytes: number): Promise<DeviceMemory> {
    if (this.#disposing) throw new RuntimeError("Cannot allocate: this session is disposed.", "DISPOSED");
    return allocateMemory(bytes, this.#gpu);
  }

  /** A run that has begun goes on to its end: the library cannot stop one. */
  async run(signal?: AbortSignal): Promise<void> {
    this.#assertIdle("run");
    signal?.throwIfAborted();
    this.#bindings.assertComplete();
    const running = this.#turns.run(() => this.#run());
    this.#running = running.catch(() => {});
    try {
      await running;
    } finally {
      this.#running = undefined;
    }
    signal?.throwIfAborted();
  }

  dispose(): Promise<void> {
    this.#disposing ??= (async () => {
      await this.#running;
      await this.#turns.run(() => this.#session.release());
      this.#bindings.clear();
    })();
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  [Symbol.dispose](): void {
    void this.dispose();
  }

  #bind(side: Side, name: string, tensor: Tensor | DeviceTensor): void {
    this.#assertIdle(`bind ${side} "${name}"`);
    this.#bindings.assertFits(side, name, tensor);
    this.#bindings.set(side, name, tensor);
  }

  #assertIdle(doing: string): void {
    if (this.#disposing) throw new RuntimeError(`Cannot ${doing}: this session is disposed.`, "DISPOSED");
    if (this.#running)
      throw new RuntimeError(
        `Cannot ${doing}: this session is running. Await the run first, or use a second session.`,
        "BUSY",
      );
  }

  async #run(): Promise<void> {
    const feeds: Record<string, OrtTensor> = {};
    for (const [name, tensor] of this.#bindings.inputs) feeds[name] = this.#given(tensor);
    const fetches: Record<string, OrtTensor | null> = {};
    for (const [name, tensor] of this.#bindings.outputs) fetches[name] = this.#onGpu(tensor) ?? null;
    const results = await failing("Running the graph", this.#session.run(feeds, fetches));
    // With one thread a run blocks its caller's, and promises alone let no message in: nobody could abort or join.
    await nextTurn();
    for (const [name, tensor] of this.#bindings.outputs)
      if (fetches[name] === null) copyOut(name, results[name] as OrtTensor, inMemory(tensor));
  }

  #given(tensor: Tensor | DeviceTensor): OrtTensor {
    const there = this.#onGpu(tensor);
    if (there) return there;
    const { dtype, data, dims } = inMemory(tensor);
    // The library's own types know float16 as Uint16Array or Float16Array, whichever the page has.
    return new this.#ort.Tensor(dtype as "float32", data as Float32Array, dims);
  }

  /** A tensor in a GPU's buffer, as the library takes it; undefined for the CPU's memory. */
  #onGpu({ dtype, dims, ...tensor }: Tensor | DeviceTensor): OrtTensor | undefined {
    if (!("memory" in tensor)) return undefined;
    const place = placeOf(tensor.memory);
    if (place instanceof ArrayBuffer) return undefined;
    return this.#ort.Tensor.fromGpuBuffer(place as never, { dataType: dtype as "float32", dims });
  }
}

/** A tensor in the CPU's memory, as a view of it. */
function inMemory(tensor: Tensor | DeviceTensor): Tensor {
  if ("data" in tensor) return tensor;
  const { dtype, dims, memory } = tensor;
  return { dtype, dims, data: viewOf(dtype, placeOf(memory) as ArrayBuffer, 0, elementCount(dims)) };
}

/** Bytes, since a page may have float16 in arrays of another kind. */
function copyOut(name: string, { data, dims }: OrtTensor, target: Tensor): void {
  const found = data as Uint8Array;
  if (dims.length !== target.dims.length || dims.some((dim, axis) => dim !== target.dims[axis]))
    throw new RuntimeError(
      `Running the graph: output "${name}" has the shape [${dims.join(", ")}]; memory for [${target.dims.join(", ")}] is bound.`,
      "INVALID_ARGUMENT",
    );
  const to = new Uint8Array(target.data.buffer, target.data.byteOffset, target.data.byteLength);
  to.set(new Uint8Array(found.buffer, found.byteOffset, found.byteLength));
}

function valueInfo(value: InferenceSession.ValueMetadata): ValueInfo {
  if (!value.isTensor)
    throw new RuntimeError(`"${value.name}" is not a tensor; only tensors can be bound.`, "NOT_IMPLEMENTED");
  if (!DTYPES.has(value.type))
    throw new RuntimeError(`"${value.name}" has type ${value.type}, which no tensor here can hold.`, "NOT_IMPLEMENTED");
  return { name: value.name, dtype: value.type as DType, dims: value.shape };
}
