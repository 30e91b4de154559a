/** @file `flashvl train sft|grpo|see RECIPE`: runs a recipe in a run folder. */
import type { Command } from "commander";
import type { CommonOptions } from "../shared-options.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

type Stage = "sft" | "grpo" | "see";

interface Options extends CommonOptions {
  run?: string;
  resume?: boolean;
}

/** Adds the command of one stage to `train`. */
export function register(train: Command, stage: Stage, description: string): void {
  train
    .command(stage)
    .description(description)
    .argument("<recipe>", "YAML file; see `flashvl train show`")
    .option("--run <folder>", "folder of the run (default: runs/<name of the recipe>)")
    .option("--resume", "go on from the folder's newest checkpoint")
    .action((recipe: string, options: Options) => withInterrupt((signal) => run(stage, recipe, options, signal)));
}

async function run(stage: Stage, recipe: string, options: Options, signal: AbortSignal): Promise<void> {
  const { runRecipe } = await import("../../train/index.ts");
  const print = (line: string) => void process.stderr.write(`${line}\n`);
  const result = await runRecipe(recipe, { run: options.run, resume: options.resume, stage, signal, print });
  if (signal.aborted) {
    print(`stopped and saved; go on with: flashvl train ${stage} ${recipe} --run ${result.run} --resume`);
    throw signal.reason;
  }
  if (options.json) printJson(result);
  else printLines([result.last]);
}
