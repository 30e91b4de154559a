/** @file What is found out once about each device of each runtime. */
import type { Device, Runtime } from "./types.ts";

/**
 * Finds out when first asked, and knows it then.
 * @example const hasFloat16 = oncePerDevice(tryFloat16); await hasFloat16(runtime, "webgpu");
 */
export function oncePerDevice<Result>(
  find: (runtime: Runtime, device: Device) => Result,
): (runtime: Runtime, device: Device) => Result {
  const known = new WeakMap<Runtime, Map<Device, Result>>();
  return (runtime, device) => {
    const found = known.get(runtime) ?? new Map<Device, Result>();
    known.set(runtime, found);
    const result = found.get(device) ?? find(runtime, device);
    found.set(device, result);
    return result;
  };
}
