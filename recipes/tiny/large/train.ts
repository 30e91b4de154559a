/** @file Trains models for large boards, one for each form or those that are named; run it again to go on: `npm run train:large -- iss`. */

import { join } from "node:path";
import { runRecipe } from "flashvl/train";
import { FORMS, type Form, writeStart } from "./start.ts";

const here = import.meta.dirname;
const runs = join(here, "../../../runs/large");
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(FORMS, name));
if (unknown) throw new Error(`There is no form "${unknown}"; expected ${Object.keys(FORMS).join(", ")}.`);
for (const form of (Object.keys(FORMS) as Form[]).filter((name) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`== ${form}`);
  await writeStart(join(here, "../../../models/flashvl-tiny"), form, join(runs, `${form}-start`));
  const recipe = join(here, `${form}.yaml`);
  const { last } = await runRecipe(recipe, {
    run: join(runs, form),
    resume: true,
    signal: stop.signal,
    print: (line) => console.log(line),
  });
  if (stop.signal.aborted) {
    console.log(`stopped; run the same command again to go on from ${last}`);
    break;
  }
}
