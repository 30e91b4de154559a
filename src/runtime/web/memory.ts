/** @file Memory of a device in a page: GPU buffers, or on the CPU plain memory. */
import { RuntimeError } from "../runtime-error.ts";
import type { DeviceMemory } from "../types.ts";

/** The parts of WebGPU's device and buffers that are needed; its types are no library of TypeScript's yet. */
export interface GpuDevice {
  createBuffer(descriptor: { size: number; usage: number }): GpuBuffer;
}
export interface GpuBuffer {
  destroy(): void;
}

/** GPUBufferUsage.STORAGE, COPY_SRC and COPY_DST: what ONNX Runtime asks of buffers that it is handed. */
const USAGE = 0x80 | 0x4 | 0x8;
/** Buffers are whole multiples of this many bytes. */
const ALIGNMENT = 16;

/** What is behind memory that was allocated here and not yet released. */
const places = new WeakMap<DeviceMemory, GpuBuffer | ArrayBuffer>();

/** @param device undefined for the CPU */
export function allocateMemory(bytes: number, device: GpuDevice | undefined): DeviceMemory {
  const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
  const place = device ? device.createBuffer({ size, usage: USAGE }) : new ArrayBuffer(size);
  const memory: DeviceMemory = {
    bytes,
    async release() {
      if (places.delete(memory) && "destroy" in place) place.destroy();
    },
  };
  places.set(memory, place);
  return memory;
}

/** What is behind memory. @throws RuntimeError when it is gone, or another runtime's */
export function placeOf(memory: DeviceMemory): GpuBuffer | ArrayBuffer {
  const place = places.get(memory);
  if (!place)
    throw new RuntimeError(
      "This device memory was released, or belongs to another runtime. Allocate it with a session of this runtime.",
      "INVALID_ARGUMENT",
    );
  return place;
}
