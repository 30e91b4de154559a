/** @file Grows the small model: all stages of this folder, one after the other, or those that are named; run it again to go on. Stages 0 to 3 begin with nothing, those after them with what is in `start`. */

import { join } from "node:path";
import { runRecipe, withRunLock } from "flashvl/train";
import { readSeeRecipe } from "./see/recipe.ts";
import { trainToSee } from "./see/train-to-see.ts";

const here = import.meta.dirname;
const runs = join(here, "../../runs/tiny");
const stages = ["0-see", "1-describe", "2-chat", "3-reason", "4-see", "4-ordinary", "5-reason"];

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const wanted = process.argv.slice(2);
for (const stage of stages.filter((s) => wanted.length === 0 || wanted.includes(s))) {
  const recipe = join(here, `${stage}.yaml`);
  const options = { run: join(runs, stage), signal: stop.signal, print: (line: string) => console.log(line) };
  console.log(`== ${stage}`);
  const last = stage.endsWith("-see")
    ? await withRunLock(options.run, stop.signal, async (signal) =>
        trainToSee(await readSeeRecipe(recipe), { ...options, signal }),
      )
    : (await runRecipe(recipe, { ...options, resume: true })).last;
  if (stop.signal.aborted) {
    console.log(`stopped; run the same command again to go on from ${last}`);
    break;
  }
}
