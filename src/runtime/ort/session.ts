/** @file A loaded graph and the tensors bound to it, over ONNX Runtime's IoBinding. */

import { Bindings, type Side } from "../bindings.ts";
import { RuntimeError } from "../runtime-error.ts";
import type { Device, DeviceMemory, DeviceTensor, Session, Tensor, ValueInfo } from "../types.ts";
import { DeviceAllocator } from "./device-allocator.ts";
import { deviceTurn } from "./device-turn.ts";
import { countDeviceSessions, environment } from "./environment.ts";
import { withNativeValue } from "./native-value.ts";
import type { Handle } from "./ort-api.ts";
import { readValueInfos } from "./value-info.ts";

interface Handles {
  session: Handle;
  binding: Handle;
  runOptions: Handle;
  profiling: boolean;
}

/** Releases native memory of sessions that nobody disposed. A net only: collection may come late or never. */
const forgotten = new FinalizationRegistry<Handles>((handles) => release(handles));

function release(handles: Handles): void {
  const { api } = environment();
  endProfiling(handles);
  api.release("ReleaseIoBinding", handles.binding);
  api.release("ReleaseRunOptions", handles.runOptions);
  api.release("ReleaseSession", handles.session);
}

function endProfiling(handles: Handles): void {
  if (!handles.profiling) return;
  const { api, allocator } = environment();
  const path = api.create("Writing the profile", "SessionEndProfiling", handles.session, allocator);
  api.check("Writing the profile", "AllocatorFree", allocator, path);
}

/** Takes over a native session; it and everything made for it are released by dispose. */
export class OrtSession implements Session {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly device: Device;
  readonly inPlace: boolean;
  readonly #allocator: DeviceAllocator;
  readonly #handles: Handles;
  readonly #bindings: Bindings;
  /** Sides and names of bindings that native code does not know yet. */
  readonly #unbound = new Set<string>();
  readonly #kept: unknown;
  #running: Promise<void> | undefined;
  #disposing: Promise<void> | undefined;

  /** `kept` is whatever memory the session's initializers live in. */
  constructor(session: Handle, device: Device, profiling: boolean, kept: unknown) {
    const { api } = environment();
    this.device = device;
    this.inPlace = device === "cpu";
    this.#kept = kept;
    this.inputs = readValueInfos(session, "Input");
    this.outputs = readValueInfos(session, "Output");
    this.inputNames = this.inputs.map((info) => info.name);
    this.outputNames = this.outputs.map((info) => info.name);
    this.#bindings = new Bindings(this.inputs, this.outputs);
    this.#allocator = new DeviceAllocator(session, device);
    const runOptions = api.create("Creating run options", "CreateRunOptions");
    const binding = api.create("Creating a binding", "CreateIoBinding", session);
    this.#handles = { session, binding, runOptions, profiling };
    forgotten.register(this, this.#handles, this);
    if (device !== "cpu") countDeviceSessions(1);
  }

  get disposed(): boolean {
    return this.#disposing !== undefined;
  }

  async allocate(bytes: number): Promise<DeviceMemory> {
    if (this.#disposing) throw new RuntimeError("Cannot allocate: this session is disposed.", "DISPOSED");
    return this.#allocator.allocate(bytes);
  }

  bindInput(name: string, tensor: Tensor | DeviceTensor): void {
    this.#bind("input", name, tensor);
  }

  bindOutput(name: string, tensor: Tensor | DeviceTensor): void {
    this.#bind("output", name, tensor);
  }

  async run(signal?: AbortSignal): Promise<void> {
    this.#assertIdle("run");
    signal?.throwIfAborted();
    this.#bindings.assertComplete();
    const running = deviceTurn(this.device, () => this.#run(signal));
    // dispose waits for the run but must not fail with it.
    this.#running = running.catch(() => {});
    try {
      await running;
    } finally {
      this.#running = undefined;
    }
  }

  dispose(): Promise<void> {
    this.#disposing ??= this.#release();
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  [Symbol.dispose](): void {
    void this.dispose();
  }

  async #release(): Promise<void> {
    await this.#running;
    forgotten.unregister(this);
    const { api } = environment();
    await deviceTurn(this.device, async () => {
      endProfiling(this.#handles);
      api.release("ReleaseIoBinding", this.#handles.binding);
      api.release("ReleaseRunOptions", this.#handles.runOptions);
      this.#bindings.clear();
      this.#allocator.release();
      // Gigabytes of weights take a while to give back.
      await api.releaseAsync("ReleaseSession", this.#handles.session);
      if (this.device !== "cpu") countDeviceSessions(-1);
    });
    void this.#kept;
  }

  async #run(signal: AbortSignal | undefined): Promise<void> {
    const { api } = environment();
    const { session, runOptions, binding } = this.#handles;
    const terminate = () => api.check("Stopping a run", "RunOptionsSetTerminate", runOptions);
    signal?.addEventListener("abort", terminate, { once: true });
    try {
      this.#bindForDevice();
      await api.checkAsync("Running the graph", "RunWithBinding", session, runOptions, binding);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw error;
    } finally {
      signal?.removeEventListener("abort", terminate);
      if (signal?.aborted) api.check("Clearing a stop", "RunOptionsUnsetTerminate", runOptions);
    }
  }

  #bind(side: Side, name: string, tensor: Tensor | DeviceTensor): void {
    this.#assertIdle(`bind ${side} "${name}"`);
    this.#bindings.assertFits(side, name, tensor);
    // On other devices binding means copying, for which a run is the time.
    if (this.device === "cpu") this.#bindNative(side, name, tensor);
    else this.#unbound.add(`${side} ${name}`);
    this.#bindings.set(side, name, tensor);
  }

  #bindNative(side: Side, name: string, tensor: Tensor | DeviceTensor): void {
    const { api } = environment();
    const bind = side === "input" ? "BindInput" : "BindOutput";
    withNativeValue(tensor, (value) => {
      api.check(`Binding ${side} "${name}"`, bind, this.#handles.binding, name, value);
    });
  }

  /**
   * Binds what is new, and all inputs in the CPU's memory: ONNX Runtime copies those to the device when they are bound, and
   * only then, so numbers that changed since would not be seen.
   */
  #bindForDevice(): void {
    if (this.device === "cpu") return;
    for (const [name, tensor] of this.#bindings.inputs)
      if ("data" in tensor || this.#unbound.has(`input ${name}`)) this.#bindNative("input", name, tensor);
    for (const [name, tensor] of this.#bindings.outputs)
      if (this.#unbound.has(`output ${name}`)) this.#bindNative("output", name, tensor);
    this.#unbound.clear();
  }

  #assertIdle(doing: string): void {
    if (this.#disposing) throw new RuntimeError(`Cannot ${doing}: this session is disposed.`, "DISPOSED");
    if (this.#running) {
      throw new RuntimeError(
        `Cannot ${doing}: this session is running. Await the run first, or use a second session.`,
        "BUSY",
      );
    }
  }
}
