/** @file `flashvl compile [NAME]`: builds a model's graphs into the cache, so that later starts are quick. */
import type { Command } from "commander";
import { choosePreset } from "../choose-preset.ts";
import { openModelFolder } from "../open-model-folder.ts";
import { addHubOptions, type CommonOptions, type EngineOptions, type ModelOptions } from "../shared-options.ts";
import { formatBytes, formatDuration } from "../terminal/format.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { ProgressBar } from "../terminal/progress-bar.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

type Options = ModelOptions & CommonOptions & Pick<EngineOptions, "preset" | "cache">;

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("compile")
    .description("build a model's graphs into the cache and print their folder")
    .argument("[name]", "a folder or org/name[@revision]; the model that ships with the package if absent")
    .option("--preset <name>", "precision of the graphs")
    .option("--cache <folder>", "cache of compiled graphs (default: ~/.cache/flashvl)")
    .action((name: string | undefined, options: Options) => withInterrupt((signal) => compile(name, options, signal)));
  addHubOptions(command);
}

async function compile(name: string | undefined, options: Options, signal: AbortSignal): Promise<void> {
  const { compileCheckpoint, nativeRuntime } = await import("../../engine/index.ts");
  const preset = await choosePreset(options.preset);
  const { checkpoint, config } = await openModelFolder(name, options, signal);
  const began = performance.now();
  const bar = new ProgressBar();
  let bytes = 0;
  try {
    const compiled = await compileCheckpoint(checkpoint, config, {
      preset,
      runtimeVersion: nativeRuntime().version,
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
    if (options.json) printJson({ folder, preset, fresh, seconds });
    else {
      const how = fresh ? `${formatBytes(bytes)} written in ${formatDuration(seconds)}` : "was compiled before";
      process.stderr.write(`${preset}: ${how}\n`);
      printLines([folder]);
    }
  } finally {
    bar.end();
    await checkpoint.close();
  }
}
