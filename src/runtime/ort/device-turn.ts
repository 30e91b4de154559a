/** @file Lets one session of a GPU work at a time: sessions share the provider's queue of commands, which is not made for threads. */
import { Mutex } from "../../common/index.ts";
import type { Device } from "../types.ts";

const turns = new Map<Device, Mutex>();

/** Runs `work` when nobody else uses the device. The CPU has no turns: its sessions run side by side. */
export function deviceTurn<Result>(device: Device, work: () => Promise<Result>): Promise<Result> {
  if (device === "cpu") return work();
  const turn = turns.get(device) ?? new Mutex();
  turns.set(device, turn);
  return turn.run(work);
}
