/** @file `flashvl compile [NAME]`: builds a model's graphs into the cache, so that later starts are quick. */
import type { Command } from "commander";
import { accuracyLines, fitBudget, learnInputs, reportAccuracy } from "../accuracy-report.ts";
import { UsageError } from "../fail.ts";
import { openModelFolder } from "../open-model-folder.ts";
import { parseNumber } from "../parse-number.ts";
import { addPrecisionOptions, checkLayers, choosePrecision } from "../precision.ts";
import {
  addChoices,
  addHubOptions,
  type CommonOptions,
  type EngineOptions,
  type ModelOptions,
} from "../shared-options.ts";
import { formatBytes, formatDuration } from "../terminal/format.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { ProgressBar } from "../terminal/progress-bar.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

type Options = ModelOptions &
  CommonOptions &
  Omit<EngineOptions, "device" | "threads"> & {
    report?: boolean;
    budget?: number;
    prompts?: string;
    calibrate?: boolean;
    smooth?: number;
  };

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("compile")
    .description("build a model's graphs into the cache and print their folder")
    .argument("[name]", "a folder or org/name[@revision]; the model that ships with the package if absent")
    .option("--cache <folder>", "cache of compiled graphs (default: ~/.cache/flashvl)")
    .option("--report", "compare every preset's answers with float32 and print the worst layers")
    .option(
      "--budget <kl>",
      "raise the precision of the worst layers until the mean KL divergence from float32 is at most this (in nats)",
      parseNumber({ least: 0 }),
    )
    .option(
      "--prompts <file>",
      'what to compare on or learn from: lines of {"prompt": "...", "image": "path"}; built in if absent',
    )
    .option(
      "--calibrate",
      "read the prompts in float32 first, and round layers at 4 bits by what their inputs look like",
    )
    .option(
      "--smooth <alpha>",
      "calibrate, and move this share of outliers from the inputs of layers at 8 bits into their weights, such as 0.5",
      parseNumber({ least: 0, above: true, most: 1 }),
    )
    .action((name: string | undefined, options: Options) => withInterrupt((signal) => compile(name, options, signal)));
  addHubOptions(addPrecisionOptions(addChoices(command)));
}

async function compile(name: string | undefined, options: Options, signal: AbortSignal): Promise<void> {
  const { compileCheckpoint, defaultPreset } = await import("../../compile/index.ts");
  const { nativeRuntime } = await import("../../runtime/ort/index.ts");
  const { preset: named, overrides: chosen } = await choosePrecision(options);
  const learns = options.calibrate === true || options.smooth !== undefined;
  if (learns && (options.report || options.budget !== undefined))
    throw new UsageError("--calibrate and --smooth go with neither --report nor --budget.");
  const { checkpoint, config } = await openModelFolder(name, options, signal);
  const preset = named ?? defaultPreset(config);
  const judging = { cacheDir: options.cache, prompts: options.prompts, overrides: chosen, signal };
  const began = performance.now();
  const bar = new ProgressBar();
  let bytes = 0;
  try {
    await checkLayers(chosen, config);
    if (options.report) {
      const rows = await reportAccuracy(checkpoint, config, judging);
      if (options.json) printJson(rows);
      else printLines(accuracyLines(rows));
      return;
    }
    const fitted =
      options.budget === undefined ? undefined : await fitBudget(checkpoint, config, preset, options.budget, judging);
    const overrides = fitted?.overrides ?? chosen;
    const calibration = learns ? await learnInputs(checkpoint, config, preset, options.smooth, judging) : undefined;
    const compiled = await compileCheckpoint(checkpoint, config, {
      preset,
      overrides,
      calibration,
      runtime: nativeRuntime(),
      cacheDir: options.cache,
      signal,
      onProgress: (done, total) => {
        bytes = total;
        bar.update({ label: `compile ${preset}`, done, total, unit: "bytes" });
      },
    });
    bar.end();
    const seconds = (performance.now() - began) / 1000;
    const { folder, fresh } = compiled;
    if (options.json)
      printJson({
        folder,
        preset,
        fresh,
        seconds,
        overrides,
        accuracy: fitted?.accuracy,
        calibration: calibration?.id,
      });
    else {
      const how = fresh ? `${formatBytes(bytes)} written in ${formatDuration(seconds)}` : "was compiled before";
      process.stderr.write(`${preset}: ${how}\n`);
      if (fitted) process.stderr.write(`overrides: ${JSON.stringify(overrides)}\n`);
      printLines([folder]);
    }
  } finally {
    bar.end();
    await checkpoint.close();
  }
}
