/** @file `flashvl train show RECIPE`: the recipe as a run will see it, with its defaults and absolute paths. */
import type { Command } from "commander";
import type { CommonOptions } from "../shared-options.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

/** Adds the command to `train`. */
export function register(train: Command): void {
  train
    .command("show")
    .description("check a recipe and print it with all its defaults")
    .argument("<recipe>", "YAML file")
    .action(show);
}

async function show(path: string, { json }: CommonOptions): Promise<void> {
  const { readRecipe } = await import("../../train/index.ts");
  const { stringify } = await import("yaml");
  const recipe = await readRecipe(path);
  if (json) printJson(recipe);
  else printLines([stringify(recipe).trimEnd()]);
}
