/** @file Checks the name of a device before anything is loaded for it. */
import type { Device } from "../runtime/index.ts";
import { UsageError } from "./fail.ts";

const DEVICES: readonly Device[] = ["cpu", "cuda", "webgpu"];

/** @throws UsageError listing the devices */
export function chooseDevice(name: string | undefined): Device {
  const known = DEVICES.find((device) => device === (name ?? "cpu"));
  if (!known) throw new UsageError(`There is no device "${name}"; expected one of ${DEVICES.join(", ")}.`);
  return known;
}
