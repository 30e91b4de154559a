/** @file Trains by a recipe in a process of its own, so that a test can kill it: arguments are the recipe and the run folder. */

import { runRecipe } from "../../src/train/index.ts";

const [recipe, run] = process.argv.slice(2);
await runRecipe(recipe!, { run: run!, resume: true, print: (line) => console.log(line) });
