/** @file Memory of the device that a session runs on. */
import { deviceTurn } from "./device-turn.ts";
import { environment } from "./environment.ts";
import { DEFAULT_MEMORY, DEVICE_ALLOCATOR, type Handle } from "./ort-api.ts";
import type { Device, DeviceMemory } from "./types.ts";

/** ONNX Runtime's names for the memory of each device's execution provider. */
const MEMORY: Readonly<Record<Device, string>> = { cpu: "Cpu", cuda: "Cuda", webgpu: "WebGPU_Buffer" };
const FIRST_DEVICE = 0;

/** Allocates on a session's device; everything must be released before the session is. */
export class DeviceAllocator {
  readonly #session: Handle;
  readonly #device: Device;
  #handles: { place: Handle; allocator: Handle } | undefined;

  constructor(session: Handle, device: Device) {
    this.#session = session;
    this.#device = device;
  }

  /** @throws RuntimeError when the device has not enough memory */
  allocate(bytes: number): Promise<DeviceMemory> {
    return deviceTurn(this.#device, async () => this.#allocate(bytes));
  }

  release(): void {
    if (!this.#handles) return;
    const { api } = environment();
    api.release("ReleaseAllocator", this.#handles.allocator);
    api.release("ReleaseMemoryInfo", this.#handles.place);
    this.#handles = undefined;
  }

  #allocate(bytes: number): DeviceMemory {
    const { api } = environment();
    const { place, allocator } = this.#open();
    const doing = `Allocating ${(bytes / 2 ** 20).toFixed(1)} MiB on ${this.#device}`;
    let pointer: Handle | undefined = api.create(doing, "AllocatorAlloc", allocator, bytes);
    return {
      bytes,
      pointer,
      place,
      release: () =>
        deviceTurn(this.#device, async () => {
          if (pointer !== undefined) api.check("Freeing device memory", "AllocatorFree", allocator, pointer);
          pointer = undefined;
        }),
    };
  }

  #open(): { place: Handle; allocator: Handle } {
    if (this.#handles) return this.#handles;
    const { api } = environment();
    const doing = `Finding the memory of ${this.#device}`;
    const name = MEMORY[this.#device];
    const place = api.create(doing, "CreateMemoryInfo", name, DEVICE_ALLOCATOR, FIRST_DEVICE, DEFAULT_MEMORY);
    try {
      const allocator = api.create(doing, "CreateAllocator", this.#session, place);
      this.#handles = { place, allocator };
      return this.#handles;
    } catch (error) {
      api.release("ReleaseMemoryInfo", place);
      throw error;
    }
  }
}
