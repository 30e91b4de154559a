/** @file Ranks as processes over the system's MPI: the same bits as one process, and what becomes of a job whose rank dies. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isLocked } from "../../src/common/node.ts";
import { runRecipe } from "../../src/train/index.ts";
import { FLASHVL, HAS_MPI, processOf, runJob } from "./mpirun.ts";
import { checkpointOf, makeWorld, RECIPES, writeRecipe } from "./world.ts";

let folder: string;
beforeAll(async () => {
  folder = await makeWorld();
});
afterAll(() => rm(folder, { recursive: true }));

/** Several processes start, one after the other: on a machine that is busy each takes half a minute. */
const PATIENCE = 1_800_000;
const LONG = process.env.FLASHVL_LONG === "1";
const run = (name: string) => join(folder, name);
const train = (path: string, to: string, ...more: string[]) => [
  ...FLASHVL,
  "train",
  path.includes("grpo") ? "grpo" : path.includes("dpo") ? "dpo" : "sft",
  path,
  "--run",
  to,
  ...more,
];

/** mpirun ends before the last of the ranks that it has killed has left. */
const gone = (folder: string) => expect.poll(() => isLocked(join(folder, "run.lock"))).toBe(false);

describe.skipIf(!HAS_MPI)("over MPI", () => {
  test(
    "--ranks 2 gives the bits of one process; rank 1 dies at step 2, and one process goes on to the same bits",
    async () => {
      const path = await writeRecipe(folder, "sft, accumulate 2");
      const { steps } = RECIPES["sft, accumulate 2"];
      await runRecipe(path, { run: run("one") });
      const job = await runJob(train(path, run("two"), "--ranks", "2"));
      expect(job.code, job.stderr).toBe(0);
      expect(job.stdout).toBe(`${join(run("two"), "checkpoints", "step-0000004")}\n`);
      expect(job.stderr).toMatch(/step 4\/4 .* reduce_ms /);
      const expected = await checkpointOf(run("one"), steps);
      expect(await checkpointOf(run("two"), steps)).toEqual(expected);

      let killed: Promise<unknown> | undefined;
      const cut = await runJob(["mpirun", "-n", "2", ...train(path, run("cut"))], (printed) => {
        if (printed.includes("step 2/4 "))
          killed ??= processOf(run("cut"), 1).then((pid) => process.kill(pid, "SIGKILL"));
      });
      await killed;
      expect(cut.code, cut.stderr).toBe(137);
      await gone(run("cut"));
      await runRecipe(path, { run: run("cut"), resume: true });
      expect(await checkpointOf(run("cut"), steps)).toEqual(expected);
    },
    PATIENCE,
  );

  test("a rank with another recipe ends the job before the first step, and the reason is said once", async () => {
    const [own, other] = [
      await writeRecipe(folder, "sft, accumulate 2"),
      await writeRecipe(folder, "sft, accumulate 2", { accumulate: 4 }),
    ];
    const job = await runJob([
      "mpirun",
      ...["-n", "1", ...train(own, run("differ"))],
      ":",
      ...["-n", "1", ...train(other, run("differ"))],
    ]);
    expect(job.code).toBe(2);
    expect(job.stderr.match(/rank 1 of 2 \(.*\) has accumulate in its recipe: 4, rank 0 of 2 \(.*\) 2/g)).toHaveLength(
      1,
    );
    expect(job.stderr).not.toContain("step 1/");
  });

  test("--ranks that are not those of mpirun are refused", async () => {
    const path = await writeRecipe(folder, "sft");
    const job = await runJob(["mpirun", "-n", "2", ...train(path, run("three"), "--ranks", "3")]);
    expect(job.code).toBe(2);
    expect(job.stderr).toContain("--ranks is 3, but the launcher has started 2 ranks.");
  });

  test.skipIf(!LONG)(
    "kill -9 of either rank at any moment, resumed on 1, 2 and 4 ranks: the same bits",
    async () => {
      for (const name of ["sft", "sft, a LoRA with dropout", "grpo, a LoRA", "dpo"] as const) {
        const path = await writeRecipe(folder, name);
        const { steps } = RECIPES[name];
        await runRecipe(path, { run: run(`${name} whole`) });
        const expected = await checkpointOf(run(`${name} whole`), steps);
        for (const [i, ranks] of [1, 2, 4].entries()) {
          const to = run(`${name} ${ranks}`);
          let killed: Promise<unknown> | undefined;
          // Somewhere within a step, its checkpoint, or the reference's sums: wherever this line finds it.
          const at = i === 0 ? /computing|step 1\// : i === 1 ? /step 2\// : /step 3\//;
          await runJob(train(path, to, "--ranks", "2"), (printed) => {
            if (at.test(printed)) killed ??= processOf(to, i % 2).then((pid) => process.kill(pid, "SIGKILL"));
          });
          await killed;
          await gone(to);
          const job = await runJob(train(path, to, "--resume", "--ranks", String(ranks)));
          expect(job.code, job.stderr).toBe(0);
          expect(await checkpointOf(to, steps)).toEqual(expected);
        }
      }
    },
    PATIENCE,
  );
});

test("without MPI the message says what to install", async () => {
  const { loadMpi } = await import("../../src/ranks/mpi-library.ts");
  expect(() => loadMpi({ FLASHVL_MPI_LIBRARY: "libnone.so.1" })).toThrow(
    /No MPI library can be loaded \(libnone\.so\.1: .*\)\. Install Open MPI \(Debian, Ubuntu: apt install openmpi-bin;/,
  );
});
