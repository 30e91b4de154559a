/** @file Describes the machine that a benchmark ran on: what matters for speed, nothing that names it. */
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** Instruction sets that decide which kernels run. */
const SETS = ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimddp", "i8mm"];

export interface Machine {
  cpu: string;
  cores: number;
  instructionSets: string[];
  memoryGiB: number;
  node: string;
}

export function describeMachine(): Machine {
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(readCpuInfo())?.[1]?.split(" ") ?? []);
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    instructionSets: SETS.filter((set) => flags.has(set)),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
  };
}

/** One line for people. */
export const machineLine = ({ cpu, cores, instructionSets, memoryGiB, node }: Machine): string =>
  `${cores} cores (${cpu}; ${instructionSets.join(", ")}), ${memoryGiB} GiB of memory, Node ${node}`;

/** Linux only; elsewhere the list of instruction sets stays empty. */
function readCpuInfo(): string {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return "";
  }
}
