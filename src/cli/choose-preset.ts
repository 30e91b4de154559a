/** @file Checks names of presets and devices before anything is loaded for them. */
import type { Device, Preset } from "../engine/index.ts";
import { UsageError } from "./fail.ts";

/**
 * The preset of that name, the default one if there is no name.
 *
 * @throws UsageError listing the presets
 */
export async function choosePreset(name: string | undefined): Promise<Preset> {
  const { PRESET_NAMES } = await import("../engine/index.ts");
  if (name === undefined) return PRESET_NAMES[0]!;
  const known = PRESET_NAMES.find((preset) => preset === name);
  if (!known) throw new UsageError(`There is no preset "${name}"; expected one of ${PRESET_NAMES.join(", ")}.`);
  return known;
}

const DEVICES: readonly Device[] = ["cpu", "cuda", "webgpu"];

/** @throws UsageError listing the devices */
export function chooseDevice(name: string | undefined): Device {
  const known = DEVICES.find((device) => device === (name ?? "cpu"));
  if (!known) throw new UsageError(`There is no device "${name}"; expected one of ${DEVICES.join(", ")}.`);
  return known;
}
