/** @file Two ranks on two machines, as far as one machine can be two: network namespaces that reach each other over TCP alone. */

import { spawnSync } from "node:child_process";
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runRecipe } from "../../src/train/index.ts";
import { FLASHVL, HAS_MPI, runJob } from "./mpirun.ts";
import { checkpointOf, makeWorld, RECIPES, writeRecipe } from "./world.ts";

/** Several processes start, one after the other. */
const PATIENCE = 1_800_000;
const LONG = process.env.FLASHVL_LONG === "1";
const [A, B] = [`fvl-a-${process.pid}`, `fvl-b-${process.pid}`];
const [FIRST, SECOND] = ["10.77.0.1", "10.77.0.2"];
const ip = (...args: string[]): boolean => spawnSync("ip", args).status === 0;

/** Two namespaces joined by a cable; false where this machine does not allow it. */
function connect(): boolean {
  if (!ip("netns", "add", A) || !ip("netns", "add", B)) return false;
  if (!ip("link", "add", "fvl0", "netns", A, "type", "veth", "peer", "name", "fvl1", "netns", B)) return false;
  for (const [space, device, address] of [
    [A, "fvl0", FIRST],
    [B, "fvl1", SECOND],
  ] as const) {
    if (!ip("-n", space, "addr", "add", `${address}/24`, "dev", device)) return false;
    if (!ip("-n", space, "link", "set", device, "up") || !ip("-n", space, "link", "set", "lo", "up")) return false;
  }
  return true;
}

const CONNECTED = LONG && HAS_MPI && connect();
if (LONG && !CONNECTED)
  console.warn("Tests of ranks over TCP are skipped: they need mpirun, and the right to make network namespaces.");

let folder: string;
beforeAll(async () => {
  folder = await makeWorld();
});
afterAll(async () => {
  for (const space of [A, B]) ip("netns", "del", space);
  await rm(folder, { recursive: true });
});

describe.skipIf(!CONNECTED)("over TCP between two namespaces", () => {
  test.each(["sft, accumulate 2", "grpo, a LoRA", "dpo"] as const)(
    "%s: the bits of one process",
    async (name) => {
      // In the place of ssh: a command for a machine runs in its namespace.
      const agent = join(folder, "agent.sh");
      await writeFile(
        agent,
        `#!/bin/sh\nhost=$1; shift\ncase $host in ${FIRST}) space=${A};; *) space=${B};; esac\nexec ip netns exec $space sh -c "$*"\n`,
      );
      await chmod(agent, 0o755);
      const path = await writeRecipe(folder, name);
      const { steps, stage } = RECIPES[name];
      const [one, two] = [join(folder, `${stage}-one`), join(folder, `${stage}-two`)];
      await runRecipe(path, { run: one });
      const network = ["--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "10.77.0.0/24"];
      const job = await runJob([
        ...["ip", "netns", "exec", A, "mpirun", "--mca", "plm_rsh_agent", agent, ...network],
        ...["--mca", "oob_tcp_if_include", "10.77.0.0/24", "-H", `${FIRST}:1,${SECOND}:1`, "-n", "2"],
        ...[...FLASHVL, "train", stage, path, "--run", two],
      ]);
      expect(job.code, job.stderr).toBe(0);
      expect(await checkpointOf(two, steps)).toEqual(await checkpointOf(one, steps));
    },
    PATIENCE,
  );
});
