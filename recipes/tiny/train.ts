/** @file Grows the small model from nothing: all stages of this folder, one after the other; run it again to go on. */

import { join } from "node:path";
import { readRecipe, runMarketRecipe } from "../../src/train/index.ts";

const here = import.meta.dirname;
const runs = join(here, "../../runs/tiny");
const stages = ["0-see", "1-describe", "2-chat", "3-reason"];

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const wanted = process.argv.slice(2);
for (const stage of stages.filter((s) => wanted.length === 0 || wanted.includes(s))) {
  const recipe = await readRecipe(join(here, `${stage}.yaml`));
  const run = join(runs, stage);
  console.log(`== ${stage}`);
  const last = await runMarketRecipe(recipe, { run, signal: stop.signal, print: (line) => console.log(line) });
  if (stop.signal.aborted) {
    console.log(`stopped; run the same command again to go on from ${last}`);
    break;
  }
}
