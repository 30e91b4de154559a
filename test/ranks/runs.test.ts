/** @file Runs of 1, 2 and 4 ranks are one run: the same weights, moments and metrics to the bit, also where the number changes on the way. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Communicator } from "../../src/ranks/index.ts";
import { runRecipe } from "../../src/train/index.ts";
import { recordsOf } from "../train/kill-run.ts";
import { asRanks } from "./local-ranks.ts";
import { checkpointOf, makeWorld, RECIPES, writeRecipe } from "./world.ts";

let folder: string;
beforeAll(async () => {
  folder = await makeWorld();
});
afterAll(() => rm(folder, { recursive: true }));

/** The others take their time: they are tried by `npm run test:long`. */
const ALWAYS = new Set<string>(["sft, accumulate 3", "sft, a LoRA with dropout", "grpo, a LoRA", "dpo"]);
const LONG = process.env.FLASHVL_LONG === "1";

describe.each(Object.keys(RECIPES) as (keyof typeof RECIPES)[])("%s", (name) => {
  const maybe = test.skipIf(!LONG && !ALWAYS.has(name));
  maybe("1, 2 and 4 ranks give the same bits; what 2 begin and 4 go on with, 1 ends", async () => {
    const path = await writeRecipe(folder, name);
    const runOf = (of: string) => join(folder, `${name} ${of}`);
    const train = (size: number, of: string, signal?: AbortSignal, print?: (line: string) => void) =>
      asRanks(size, (ranks) => runRecipe(path, { run: runOf(of), resume: true, ranks, signal, print }));
    const sizes = LONG ? [2, 4] : [2];
    for (const size of [1, ...sizes]) await train(size, `${size}`);
    const { steps } = RECIPES[name];
    const [checkpoint, metrics] = [await checkpointOf(runOf("1"), steps), await recordsOf(runOf("1"))];
    for (const size of sizes) {
      expect(await checkpointOf(runOf(`${size}`), steps)).toEqual(checkpoint);
      expect(await recordsOf(runOf(`${size}`))).toEqual(metrics);
    }
    for (const [size, until] of [
      [2, steps / 4],
      [4, steps / 2],
      [1, steps],
    ] as const) {
      const stop = new AbortController();
      await train(size, "changing", stop.signal, (line) => {
        if (until < steps && line.startsWith(`step ${until}/`)) stop.abort();
      });
    }
    expect(await checkpointOf(runOf("changing"), steps)).toEqual(checkpoint);
    expect(await recordsOf(runOf("changing"))).toEqual(metrics);
  });
});

describe("what must be the same on every rank", () => {
  const run = (name: string) => join(folder, name);
  test("another recipe is named before the first step", async () => {
    const [own, other] = [await writeRecipe(folder, "sft"), await writeRecipe(folder, "sft", { seed: 6 })];
    const job = asRanks(2, (ranks) => runRecipe(ranks.rank ? other : own, { run: run("recipe"), ranks }));
    await expect(job).rejects.toThrow(/rank 1 of 2 \(.*\) has seed in its recipe: 6, rank 0 of 2 \(.*\) 5/);
  });

  test("another version of MPI is named", async () => {
    const path = await writeRecipe(folder, "sft");
    const of = (ranks: Communicator) => ({ ...ranks, library: `MPI ${ranks.rank}` });
    const job = asRanks(2, (ranks) => runRecipe(path, { run: run("mpi"), ranks: of(ranks) }));
    await expect(job).rejects.toThrow(/rank 1 of 2 .* has MPI MPI 1, rank 0 .* MPI 0/);
  });

  test("samples that are drawn at random on each rank end the run at that step", async () => {
    const { readSampleContext, encodeSample, trainSft, fillSft, parseRecipe } = await import(
      "../../src/train/index.ts"
    );
    const context = await readSampleContext(join(folder, "model"));
    const recipe = fillSft(
      parseRecipe({ ...RECIPES["sft, accumulate 2"], model: join(folder, "model"), data: { source: "s.ts" } }) as never,
      context.config,
      undefined,
    );
    const job = asRanks(2, (ranks) =>
      trainSft(recipe, {
        run: run("random"),
        ranks,
        async *samples() {
          for (let i = 0; ; i++)
            yield await encodeSample(context, [
              { role: "user", content: "?" },
              { role: "assistant", content: i > 20 && ranks.rank ? "others" : "as all" },
            ]);
        },
      }),
    );
    await expect(job).rejects.toThrow(/Step \d+: rank 1 was given other data than rank 0/);
  });
});
