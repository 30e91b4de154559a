/** @file From flags to a loaded model, with progress bars while it is downloaded, compiled and loaded. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { FlashVL } from "../node/index.ts";
import { chooseDevice } from "./choose-device.ts";
import { UsageError } from "./fail.ts";
import { openModelFolder } from "./open-model-folder.ts";
import { parseNumber } from "./parse-number.ts";
import { addPrecisionOptions, checkLayers, choosePrecision } from "./precision.ts";
import { addChoices, type EngineOptions, type ModelOptions } from "./shared-options.ts";
import { ProgressBar } from "./terminal/progress-bar.ts";

/** Flags of commands that run a model. */
export interface RunOptions extends ModelOptions, EngineOptions {
  model?: string;
  maxContext?: number;
  /** Folder that `flashvl compile` printed. */
  compiled?: string;
  maxTiles?: number;
  thumbnail?: boolean;
  /** Requests decoded together; set by commands that run many. */
  maxBatch?: number;
}

/** Adds --model, --iss, --preset, --layer, --compiled, --device, --threads, --max-context, --max-tiles, --no-thumbnail and --cache. */
export function addEngineOptions(command: Command): Command {
  const model = "a folder or org/name[@revision] (default: the model that ships with the package)";
  return addPrecisionOptions(addChoices(command.option("-m, --model <name>", model)))
    .option("--compiled <folder>", "graphs that `flashvl compile` made, such as calibrated ones, in place of --preset")
    .option("--device <name>", "cpu, cuda or webgpu (default: cpu)")
    .option(
      "--threads <n>",
      "threads per operator (default: the physical cores)",
      parseNumber({ least: 1, whole: true }),
    )
    .option(
      "--max-context <n>",
      "longest conversation in tokens (default: what the model allows)",
      parseNumber({ least: 2, whole: true }),
    )
    .option(
      "--max-tiles <n>",
      "most tiles that a picture is cut into, for models that tile (default: what the model was trained with)",
      parseNumber({ least: 1, most: 256, whole: true }),
    )
    .option("--no-thumbnail", "do not show pictures of several tiles whole, in small")
    .option("--cache <folder>", "cache of compiled graphs (default: ~/.cache/flashvl)");
}

/** Opens the model that the flags name. Whoever gets it disposes it. */
export async function openEngine(options: RunOptions, signal: AbortSignal): Promise<FlashVL> {
  const { preset, overrides } = await choosePrecision(options);
  if (options.compiled !== undefined && (options.preset ?? options.layer) !== undefined)
    throw new UsageError("--compiled names graphs that have their precision; leave out --preset and --layer.");
  const device = chooseDevice(options.device);
  const { FlashVL } = await import("../node/index.ts");
  const { nativeRuntime } = await import("../runtime/ort/index.ts");
  nativeRuntime().check({ device });
  const opened = await openModelFolder(options.model, options, signal);
  await checkLayers(overrides, opened.config).catch(async (error) => {
    await opened.checkpoint.close();
    throw error;
  });
  const bar = new ProgressBar();
  try {
    return await FlashVL.fromCheckpoint(opened, {
      ...(options.compiled === undefined ? { preset, overrides } : { compiled: resolve(options.compiled) }),
      device,
      threads: options.threads,
      maxContext: options.maxContext,
      maxBatch: options.maxBatch,
      maxTiles: options.maxTiles,
      // The flag's own default must not win over the model's.
      thumbnail: options.thumbnail === false ? false : undefined,
      cacheDir: options.cache,
      signal,
      onProgress: ({ phase, done, total }) =>
        bar.update({ label: phase, done, total, unit: phase === "load" ? "steps" : "bytes" }),
    });
  } finally {
    bar.end();
  }
}
