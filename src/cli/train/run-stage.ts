/** @file `flashvl train sft|grpo|dpo RECIPE`: runs a recipe in a run folder, as one process or as one of several ranks. */
import type { Command } from "commander";
import type { Communicator } from "../../ranks/index.ts";
import { describeError, exitCodeOf, Interrupted } from "../fail.ts";
import { parseNumber } from "../parse-number.ts";
import type { CommonOptions } from "../shared-options.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

type Stage = "sft" | "grpo" | "dpo";

interface Options extends CommonOptions {
  run?: string;
  resume?: boolean;
  ranks?: number;
}

const RANKS_HELP = `
Several processes (ranks) train as one, to the same bits: each takes its part of an update's batches.
  flashvl train sft recipe.yaml --ranks 2                             two ranks on this machine
  mpirun -n 4 --hostfile hosts flashvl train sft recipe.yaml          four ranks on the machines in "hosts"
They need Open MPI or MPICH (Debian: apt install openmpi-bin). More in docs/scaling.md.`;

/** Adds the command of one stage to `train`. */
export function register(train: Command, stage: Stage, description: string): void {
  train
    .command(stage)
    .description(description)
    .argument("<recipe>", "YAML file; see `flashvl train show`")
    .option("--run <folder>", "folder of the run (default: runs/<name of the recipe>)")
    .option("--resume", "go on from the folder's newest checkpoint")
    .option(
      "--ranks <n>",
      "processes that train as one: starts so many by mpirun; in a job that mpirun has started, checks that there are so many",
      parseNumber({ least: 1, whole: true }),
    )
    .addHelpText("after", RANKS_HELP)
    .action((recipe: string, options: Options) => withInterrupt((signal) => start(stage, recipe, options, signal)));
}

/** Trains in this process, alone or among the ranks that a launcher has started, or starts the ranks that are asked for. */
async function start(stage: Stage, recipe: string, options: Options, signal: AbortSignal): Promise<void> {
  const { launchedRanks, openRanks, STOP_SIGNAL, startRanks } = await import("../../ranks/index.ts");
  if (launchedRanks() === undefined && (options.ranks ?? 1) > 1) {
    const code = await startRanks(options.ranks!, signal);
    if (code !== 0) process.exit(code); // the ranks have said why
    return;
  }
  const ranks = openRanks(options.ranks);
  if (ranks.size === 1) return run(stage, recipe, options, signal, ranks);
  const stop = new AbortController();
  process.on(STOP_SIGNAL, () => stop.abort(new Interrupted()));
  try {
    await run(stage, recipe, options, AbortSignal.any([signal, stop.signal]), ranks);
    await ranks.close();
  } catch (error) {
    if (error instanceof Interrupted) await ranks.close();
    else await endAll(error, ranks, options);
    throw error;
  }
}

/** Says why this rank cannot go on, and ends the job: the others would wait for it for ever. */
async function endAll(error: unknown, ranks: Communicator, { json = false, debug }: Options): Promise<void> {
  const { nameOfRank, RanksError } = await import("../../ranks/index.ts");
  const told = error instanceof RanksError && error.everywhere;
  if (told && ranks.rank > 0) await ranks.barrier(); // rank 0 says it for all, and ends the job
  if (error instanceof Error && !told) error.message = `${nameOfRank(ranks)}: ${error.message}`;
  process.stderr.write(describeError(error, { json, debug: debug ?? Boolean(process.env.FLASHVL_DEBUG) }));
  ranks.abort(exitCodeOf(error));
}

async function run(
  stage: Stage,
  recipe: string,
  options: Options,
  signal: AbortSignal,
  ranks: Communicator,
): Promise<void> {
  const { runRecipe } = await import("../../train/index.ts");
  const first = ranks.rank === 0;
  const print = (line: string) => void (first && process.stderr.write(`${line}\n`));
  const result = await runRecipe(recipe, { run: options.run, resume: options.resume, stage, signal, print, ranks });
  if (signal.aborted) {
    print(`stopped and saved; go on with: flashvl train ${stage} ${recipe} --run ${result.run} --resume`);
    throw signal.reason;
  }
  if (!first) return;
  if (options.json) printJson(result);
  else printLines([result.last]);
}
