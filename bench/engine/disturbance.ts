/** @file How much of the machine others used while something was measured: what was disturbed is not compared. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Ticks per second of /proc's counters on Linux. */
const TICKS = 100;

/** Seconds of processor time: of the whole machine, and of this process with its finished children. */
function busySeconds(): { machine: number; own: number } | undefined {
  try {
    const [user, nice, system, , , irq, softIrq] = readFileSync("/proc/stat", "utf8")
      .split(/\s+/)
      .slice(1, 8)
      .map(Number);
    const own = readFileSync("/proc/self/stat", "utf8")
      .replace(/^.*\) /, "")
      .split(" ")
      .slice(11, 15)
      .map(Number);
    const sum = (values: (number | undefined)[]) => values.reduce<number>((total, value) => total + (value ?? 0), 0);
    return { machine: sum([user, nice, system, irq, softIrq]) / TICKS, own: sum(own) / TICKS };
  } catch {
    return undefined;
  }
}

/**
 * Runs `work` and tells the share of the machine's processor time that went to other programs meanwhile, 0 to 1;
 * undefined where the system does not say (only Linux does).
 */
export async function withDisturbance<T>(work: () => Promise<T>): Promise<{ result: T; others: number | undefined }> {
  const [before, start] = [busySeconds(), performance.now()];
  const result = await work();
  const after = busySeconds();
  if (!before || !after) return { result, others: undefined };
  const foreign = after.machine - before.machine - (after.own - before.own);
  const capacity = (availableParallelism() * (performance.now() - start)) / 1000;
  return { result, others: Math.max(0, Math.min(1, foreign / capacity)) };
}
