/** @file The ranks that this process is one of: those that mpirun, mpiexec or srun has started, or it alone. */

import { alone, type Communicator, RanksError } from "./communicator.ts";
import { openMpi } from "./mpi-communicator.ts";

/**
 * Ranks that a launcher has started, by what it tells its processes; undefined outside of one. Open MPI's mpirun says it in
 * OMPI_COMM_WORLD_SIZE, MPICH's and Intel's in PMI_SIZE, srun with PMIx in SLURM_NTASKS.
 */
export function launchedRanks(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const said = env.OMPI_COMM_WORLD_SIZE ?? env.PMI_SIZE ?? (env.PMIX_RANK === undefined ? undefined : env.SLURM_NTASKS);
  const count = Number(said);
  return said !== undefined && Number.isInteger(count) && count > 0 ? count : undefined;
}

/**
 * Joins the other ranks of a job; outside of one, MPI is neither needed nor loaded.
 * @param wanted ranks that there should be; any number when left out
 * @throws RanksError when there is another number of them, or no MPI
 * @example const ranks = await openRanks(); await runRecipe("recipe.yaml", { ranks }); await ranks.close();
 */
export function openRanks(wanted?: number): Communicator {
  const count = launchedRanks() ?? 1;
  if (wanted !== undefined && wanted !== count)
    throw new RanksError(
      `--ranks is ${wanted}, but the launcher has started ${count} rank${count === 1 ? "" : "s"}. Leave --ranks out, or start as many.`,
    );
  return count === 1 ? alone : openMpi(count);
}
