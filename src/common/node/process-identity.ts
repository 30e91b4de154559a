/** @file Which process left a file behind, and whether it still runs. */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Enough to recognise a process later, also after its number has gone to another one. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Processes with the same text share a table of process numbers. */
  readonly machine: string;
  /** When it started, in ticks since the machine did; "" where the system does not tell. */
  readonly started: string;
}

/** "unknown": on another machine, or under a number that may have gone to another process. */
export type ProcessState = "running" | "gone" | "unknown";

/** The host, and on Linux the namespace of process numbers: two containers may share a host name. */
const MACHINE = createHash("sha256")
  .update(`${hostname()} ${attempt(() => readlinkSync("/proc/self/ns/pid")) ?? ""}`)
  .digest("hex")
  .slice(0, 12);

/** The identity of this process. */
export const thisProcess: ProcessIdentity = {
  pid: process.pid,
  machine: MACHINE,
  started: startOf(process.pid)?.started ?? "",
};

/**
 * Whether the process with this identity still runs.
 * @example if (processState(holder) === "gone") await rm(file);
 */
export function processState({ pid, machine, started }: ProcessIdentity): ProcessState {
  if (machine !== MACHINE) return "unknown";
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, but as somebody else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return "gone";
  }
  const found = startOf(pid);
  if (!found || started === "") return "unknown";
  return found.started === started && !found.ended ? "running" : "gone";
}

/** Reads /proc/PID/stat (man 5 proc): field 3 is the state, field 22 the start. The name in field 2 may hold anything. */
function startOf(pid: number): { started: string; ended: boolean } | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, started] = [fields?.[0], fields?.[19]];
  return state && started && /^\d+$/.test(started) ? { started, ended: /^[ZX]/.test(state) } : undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
