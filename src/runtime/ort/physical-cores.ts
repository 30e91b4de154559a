/** @file How many physical cores the process may use: two threads of one core gain nothing in products of matrices. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * Physical cores that a text like /proc/cpuinfo tells of; undefined where it does not say.
 * @example coresIn("physical id : 0\ncore id : 0\n\nphysical id : 0\ncore id : 0\n") // 1
 */
export function coresIn(cpuinfo: string): number | undefined {
  const cores = new Set<string>();
  for (const processor of cpuinfo.split(/\n\n+/)) {
    const [place, core] = ["physical id", "core id"].map((key) =>
      new RegExp(`^${key}\\s*: (\\d+)`, "m").exec(processor),
    );
    if (place && core) cores.add(`${place[1]} ${core[1]}`);
  }
  return cores.size || undefined;
}

let known: { cores: number | undefined } | undefined;

/**
 * Undefined where the system does not say: then ONNX Runtime chooses. Where it cannot read the processor, as in many virtual
 * machines, it takes half of what there is, one of two cores.
 */
export function physicalCores(): number | undefined {
  known ??= { cores: findCores() };
  return known.cores;
}

function findCores(): number | undefined {
  try {
    const cores = coresIn(readFileSync("/proc/cpuinfo", "utf8"));
    return cores && Math.min(cores, availableParallelism());
  } catch {
    return undefined;
  }
}
