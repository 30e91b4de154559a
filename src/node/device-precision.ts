/** @file What a device computes in: float16 where it has it. */

import { defaultPreset, type Preset } from "../compile/index.ts";
import { add, input, serialize } from "../graph/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { type Device, oncePerDevice, type Runtime } from "../runtime/index.ts";

/** float16 bits of 1 and 2. */
const [ONE, TWO] = [0x3c00, 0x4000];

/** Whether a device adds in float16: WebGPU has it only where the adapter has `shader-f16`. Found out once per runtime. */
export const hasFloat16 = oncePerDevice(tryFloat16);

async function tryFloat16(runtime: Runtime, device: Device): Promise<boolean> {
  const x = input("x", "float16", [1]);
  try {
    await using session = await runtime.createSession(serialize({ y: add(x, x) }, "inputs").bytes, { device });
    const [one, sum] = [runtime.createTensor("float16", [1]), runtime.createTensor("float16", [1])];
    one.data[0] = ONE;
    session.bindInput("x", one);
    session.bindOutput("y", sum);
    await session.run();
    return sum.data[0] === TWO;
  } catch {
    return false;
  }
}

export interface DevicePrecision {
  preset: Preset;
  activations: "float16" | "float32";
}

/**
 * The preset to use on a device, by default float16 on GPUs that have it and on the CPU what the model's size suggests, and
 * what is computed in.
 * @throws RangeError when the preset needs float16 and the device has none
 * @example await devicePrecision(runtime, "webgpu", undefined, config) // { preset: "fp16", activations: "float16" }
 */
export async function devicePrecision(
  runtime: Runtime,
  device: Device,
  preset: Preset | undefined,
  config: ModelConfig,
): Promise<DevicePrecision> {
  if (device === "cpu") return { preset: preset ?? defaultPreset(config), activations: "float32" };
  const half = await hasFloat16(runtime, device);
  if (preset === "fp16" && !half)
    throw new RangeError(
      `Preset fp16 needs float16 arithmetic, which the "${device}" device of this machine does not have. Use fp32, int8 or int4.`,
    );
  return { preset: preset ?? (half ? "fp16" : "fp32"), activations: half ? "float16" : "float32" };
}
