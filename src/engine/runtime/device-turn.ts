/** @file Lets one session of a GPU work at a time: sessions share the provider's queue of commands, which is not made for threads. */
import { Mutex } from "../mutex.ts";
import { perDevice } from "./per-device.ts";
import type { Device } from "./types.ts";

const turnOf = perDevice(() => new Mutex());

/** Runs `work` when nobody else uses the device. The CPU has no turns: its sessions run side by side. */
export function deviceTurn<Result>(device: Device, work: () => Promise<Result>): Promise<Result> {
  return device === "cpu" ? work() : turnOf(device).run(work);
}
