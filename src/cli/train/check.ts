/** @file `flashvl train check FOLDER`: training steps against reference numbers. */
import type { Command } from "commander";
import type { IssForm } from "../../model/index.ts";
import { parseNumber } from "../parse-number.ts";
import type { CommonOptions } from "../shared-options.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

interface Variant {
  lora?: boolean;
  packing?: boolean;
  accumulate?: boolean;
  padding?: boolean;
  recompute?: boolean;
}

interface Options extends CommonOptions, Variant {
  all?: boolean;
  threads?: number;
  iss?: IssForm;
}

const NAMES = ["lora", "packing", "accumulate", "padding", "recompute"] as const;
/** What `--all` runs. */
const ALL: readonly Variant[] = [{}, ...NAMES.map((name) => ({ [name]: true }))];

/** Adds the command to `train`. */
export function register(train: Command): void {
  train
    .command("check")
    .description(
      "compare losses, gradients and updated weights with a folder's reference numbers; exit 1 past the tolerance",
    )
    .argument("<folder>", "laid out like test/golden/static-tiny")
    .option("--packing", "all samples in one row")
    .option("--accumulate", "one sample per run, gradients summed")
    .option("--padding", "with unused rows, tokens, pictures and labels")
    .option("--recompute", "activations made twice instead of kept")
    .option("--lora", "the gradients of a LoRA whose merged weights are the reference's")
    .option("--all", "plainly, and each of the above by itself")
    .option("--iss <form>", "the form of stitching, for models that leave it open")
    .option("--threads <n>", "threads of the runtime", parseNumber({ least: 1, whole: true }))
    .action(check);
}

const nameOf = (variant: Variant): string => NAMES.filter((n) => variant[n]).join(" + ") || "plain";

async function check(folder: string, options: Options): Promise<void> {
  const { checkTable, checkTraining } = await import("../../train/index.ts");
  const chosen = Object.fromEntries(NAMES.filter((n) => options[n]).map((n) => [n, true])) as Variant;
  const results = [];
  for (const variant of options.all ? ALL : [chosen]) {
    const rows = await checkTraining(folder, { ...variant, threads: options.threads, iss: options.iss });
    results.push({ variant: nameOf(variant), ok: rows.every((row) => row.ok), rows });
    if (!options.json) printLines([`${nameOf(variant)}:`, ...checkTable(rows), ""]);
  }
  if (options.json) printJson(results);
  const failed = results.flatMap((r) => r.rows).filter((row) => !row.ok).length;
  if (failed > 0) throw new Error(`${failed} numbers or tensors are past their tolerance`);
}
