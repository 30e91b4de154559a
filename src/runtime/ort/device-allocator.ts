/** @file Memory of the device that a session runs on. */

import { RuntimeError } from "../runtime-error.ts";
import type { Device, DeviceMemory } from "../types.ts";
import { deviceTurn } from "./device-turn.ts";
import { environment } from "./environment.ts";
import { DEFAULT_MEMORY, DEVICE_ALLOCATOR, type Handle } from "./ort-api.ts";

/** ONNX Runtime's names for the memory of each device's execution provider. */
const MEMORY: Readonly<Record<Device, string>> = { cpu: "Cpu", cuda: "Cuda", webgpu: "WebGPU_Buffer" };
const FIRST_DEVICE = 0;

/** Where memory is that was allocated here and not yet released. */
const addresses = new WeakMap<DeviceMemory, { pointer: Handle; place: Handle }>();

/** Native address of a device's memory, and native description of where that is. @throws RuntimeError when it is gone, or another runtime's */
export function nativeAddress(memory: DeviceMemory): { pointer: Handle; place: Handle } {
  const address = addresses.get(memory);
  if (!address)
    throw new RuntimeError(
      "This device memory was released, or belongs to another runtime. Allocate it with a session of this runtime.",
      "INVALID_ARGUMENT",
    );
  return address;
}

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
    const pointer = api.create(doing, "AllocatorAlloc", allocator, bytes);
    const memory: DeviceMemory = {
      bytes,
      release: () =>
        deviceTurn(this.#device, async () => {
          if (addresses.delete(memory)) api.check("Freeing device memory", "AllocatorFree", allocator, pointer);
        }),
    };
    addresses.set(memory, { pointer, place });
    return memory;
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
