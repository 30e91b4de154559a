/** @file How many threads a rank takes where the recipe does not say: the cores of its machine, shared by the ranks there. */

import { availableParallelism, cpus, hostname } from "node:os";
import { type Communicator, gatherValues } from "../../ranks/index.ts";
import { physicalCores } from "../../runtime/ort/index.ts";

/**
 * @returns threads of this rank; undefined for one process, which takes all cores
 * @param print told where the launcher has bound ranks to cores and left others without work
 */
export async function threadsOfRank(ranks: Communicator, print: (line: string) => void): Promise<number | undefined> {
  if (ranks.size === 1) return undefined;
  const host = hostname();
  const here = (await gatherValues(ranks, host)).filter((other) => other === host).length;
  const [bound, all] = [availableParallelism(), cpus().length];
  const cores = physicalCores() ?? bound;
  // Bound to cores by the launcher, a rank has those for itself.
  if (bound < all) {
    if (bound * here < all)
      print(
        `the launcher has bound each rank to ${bound} of ${all} cores, so it takes ${cores} threads; mpirun --bind-to none shares all of them`,
      );
    return cores;
  }
  return Math.max(1, Math.floor(cores / here));
}
