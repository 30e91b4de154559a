/** @file Jobs of several ranks as a user starts them: `flashvl train …` in processes of its own, by the system's mpirun. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** Whether this machine can start ranks. */
export const HAS_MPI = spawnSync("mpirun", ["--version"]).status === 0;
if (!HAS_MPI)
  console.warn("Tests of ranks over MPI are skipped: there is no mpirun. On Debian: apt install openmpi-bin.");

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
/** The command line of `flashvl` from the sources. */
export const FLASHVL = [process.execPath, "--conditions=flashvl-source", "--import", "tsx", MAIN];

/** Root may start ranks, and more of them than there are cores, which two ranks need not share fairly. */
const ENVIRONMENT = {
  ...process.env,
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  OMPI_MCA_rmaps_base_oversubscribe: "1",
  OMPI_MCA_hwloc_base_binding_policy: "none",
  OMPI_MCA_mpi_yield_when_idle: "1",
};

export interface Job {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command line to its end.
 * @param watch is told of everything that was printed so far, at each piece
 */
export function runJob(
  [command, ...args]: readonly string[],
  watch: (printed: string, job: ChildProcess) => void = () => {},
): Promise<Job> {
  const child = spawn(command!, args, { env: ENVIRONMENT, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    watch(stderr, child);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** Process number of rank `rank` of the run in `folder`: processes tell their command line and what mpirun gave them. */
export async function processOf(folder: string, rank: number): Promise<number> {
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const [line, environment] = await Promise.all(
      ["cmdline", "environ"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
    );
    if (line!.includes(folder) && environment!.split("\0").includes(`OMPI_COMM_WORLD_RANK=${rank}`)) return Number(pid);
  }
  throw new Error(`rank ${rank} of ${folder} is not there`);
}
