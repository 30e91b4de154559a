/** @file `flashvl inspect [NAME]`: what a checkpoint is: sizes, parameters, bytes, memory, tensors. */
import type { Command } from "commander";
import { type ModelReport, reportOn } from "../inspect/model-report.ts";
import { reportLines, tensorLines } from "../inspect/report-lines.ts";
import { openModelFolder } from "../open-model-folder.ts";
import { addChoices, addHubOptions, type CommonOptions, type ModelOptions } from "../shared-options.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

type Options = ModelOptions & CommonOptions & { tensors?: boolean; speed?: boolean };

/** The preset that is there for GPUs: on a CPU it only saves memory. */
const ON_GPUS = "fp16";

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("inspect")
    .description("print a model's config, parameters, memory and tensors")
    .argument("[name]", "a folder or org/name[@revision]; the model that ships with the package if absent")
    .option("--tensors", "list every tensor instead of one line for the same tensor of all layers")
    .option(
      "--speed",
      "open the model in every precision and measure its answers on this machine; compiles what is missing",
    )
    .action((name: string | undefined, options: Options) => withInterrupt((signal) => inspect(name, options, signal)));
  addHubOptions(addChoices(command));
}

async function inspect(name: string | undefined, options: Options, signal: AbortSignal): Promise<void> {
  const { checkpoint, config } = await openModelFolder(name, options, signal);
  let report: ModelReport;
  try {
    report = await reportOn(checkpoint, config);
  } finally {
    await checkpoint.close();
  }
  if (options.speed && !report.mismatches) {
    const { measureSpeed } = await import("../inspect/measure-speed.ts");
    const presets = report.memory.map(({ preset }) => preset).filter((preset) => preset !== ON_GPUS);
    report.speed = await measureSpeed({ ...options, model: name }, presets, signal);
  }
  if (options.json) printJson(report);
  else printLines([...reportLines(report), "", ...tensorLines(report.tensors, options.tensors ?? false)]);
  // Printed first: a mismatch is best understood beside the table.
  if (report.mismatches) {
    const { BadInputError } = await import("../fail.ts");
    throw new BadInputError(report.mismatches);
  }
}
