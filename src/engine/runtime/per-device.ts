/** @file What is found out or made once for each device. */
import type { Device } from "./types.ts";

/**
 * A value for each device, made when it is first asked for.
 * @example const turnOf = perDevice(() => new Mutex()); turnOf("webgpu") === turnOf("webgpu"); // true
 */
export function perDevice<Result>(make: (device: Device) => Result): (device: Device) => Result {
  const made = new Map<Device, Result>();
  return (device) => {
    const known = made.get(device);
    if (known !== undefined) return known;
    const fresh = make(device);
    made.set(device, fresh);
    return fresh;
  };
}
