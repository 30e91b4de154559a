/** @file Names the graphics card, and says how much of its memory is taken, where the system tells. */
import { spawnSync } from "node:child_process";

function nvidia(field: string): string | undefined {
  const { status, stdout } = spawnSync("nvidia-smi", [`--query-gpu=${field}`, "--format=csv,noheader,nounits"], {
    encoding: "utf8",
  });
  return status === 0 ? stdout.trim().split("\n")[0] : undefined;
}

/** The card's name and driver by nvidia-smi; otherwise the Vulkan driver that the environment names. */
export function adapterName(): string {
  const [name, driver] = [nvidia("name"), nvidia("driver_version")];
  if (name) return `${name}, driver ${driver}`;
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  return `Vulkan driver ${VK_DRIVER_FILES ?? VK_ICD_FILENAMES ?? "of the system"}`;
}

/** Bytes of the card's memory that are taken; undefined where the system does not say. */
export function memoryInUse(): number | undefined {
  const mebibytes = nvidia("memory.used");
  return mebibytes === undefined ? undefined : Number(mebibytes) * 2 ** 20;
}
