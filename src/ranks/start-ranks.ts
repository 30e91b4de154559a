/** @file Starts this very command line as several ranks on this machine, by the system's mpirun. */

import { spawn } from "node:child_process";
import { RanksError } from "./communicator.ts";

/** Told to a rank by mpirun, which passes it on: stop after the step at hand, with a checkpoint. */
export const STOP_SIGNAL = "SIGUSR2";

/**
 * What Open MPI is to do otherwise than it does: leave the ranks' threads all cores, take the count that was asked for as it is,
 * and start for root, too, which this process may be already. Names of 4 (OMPI) and of 5 (PRTE); MPICH needs none of it.
 */
const SETTINGS = {
  OMPI_MCA_hwloc_base_binding_policy: "none",
  PRTE_MCA_hwloc_default_binding_policy: "none",
  OMPI_MCA_rmaps_base_oversubscribe: "1",
  PRTE_MCA_rmaps_default_mapping_policy: ":oversubscribe",
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  PRTE_ALLOW_RUN_AS_ROOT: "1",
  PRTE_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
};

/**
 * Runs the command line of this process in `count` processes and waits for their end.
 * @param signal stops them with a checkpoint, see `STOP_SIGNAL`
 * @returns the exit code of the job
 * @throws RanksError when there is no mpirun
 */
export async function startRanks(count: number, signal: AbortSignal): Promise<number> {
  const [node, script, ...args] = process.argv;
  const command = ["-n", String(count), node!, ...process.execArgv, script!, ...args];
  // In a process group of its own: Ctrl-C is for this process to pass on, or mpirun would kill the ranks at once.
  const child = spawn("mpirun", command, {
    stdio: "inherit",
    detached: true,
    env: { ...SETTINGS, ...process.env },
  });
  const stop = () => void child.kill(STOP_SIGNAL);
  const end = () => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  process.on("exit", end);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on("exit", (code) => resolve(code ?? 1));
      child.on("error", (error: NodeJS.ErrnoException) =>
        reject(
          error.code === "ENOENT"
            ? new RanksError(
                "There is no mpirun here, which starts the ranks. Install Open MPI (Debian, Ubuntu: apt install openmpi-bin; Fedora: dnf install openmpi; macOS: brew install open-mpi) or MPICH (apt install mpich).",
              )
            : error,
        ),
      );
    });
  } finally {
    signal.removeEventListener("abort", stop);
    process.off("exit", end);
  }
}
