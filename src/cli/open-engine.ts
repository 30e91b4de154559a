/** @file From flags to a loaded model, with progress bars while it is downloaded, compiled and loaded. */
import type { Command } from "commander";
import type { FlashVL } from "../engine/index.ts";
import { chooseDevice, choosePreset } from "./choose-preset.ts";
import { parseNumber } from "./parse-number.ts";
import { type EngineOptions, hubOptions, type ModelOptions } from "./shared-options.ts";
import { ProgressBar } from "./terminal/progress-bar.ts";

/** Flags of commands that run a model. */
export interface RunOptions extends ModelOptions, EngineOptions {
  model?: string;
  maxContext?: number;
  /** Requests decoded together; set by commands that run many. */
  maxBatch?: number;
}

/** Adds --model, --preset, --device, --threads, --max-context and --cache. */
export function addEngineOptions(command: Command): Command {
  return command
    .option("-m, --model <name>", "a folder or org/name[@revision] (default: the model that ships with the package)")
    .option("--preset <name>", "precision")
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
    .option("--cache <folder>", "cache of compiled graphs (default: ~/.cache/flashvl)");
}

/** Opens the model that the flags name. Whoever gets it disposes it. */
export async function openEngine(options: RunOptions, signal: AbortSignal): Promise<FlashVL> {
  const preset = await choosePreset(options.preset);
  const device = chooseDevice(options.device);
  const { FlashVL } = await import("../engine/index.ts");
  const bar = new ProgressBar();
  try {
    return await FlashVL.fromPretrained(await localFolder(options, bar, signal), {
      preset,
      device,
      threads: options.threads,
      maxContext: options.maxContext,
      maxBatch: options.maxBatch,
      cacheDir: options.cache,
      signal,
      onProgress: ({ phase, done, total }) =>
        bar.update({ label: phase, done, total, unit: phase === "load" ? "steps" : "bytes" }),
    });
  } finally {
    bar.end();
  }
}

/** Resolved here, since the hub's flags are not options of the engine; a folder passes through it unchanged. */
async function localFolder(options: RunOptions, bar: ProgressBar, signal: AbortSignal): Promise<string | undefined> {
  if (options.model === undefined) return undefined;
  const { resolveModel } = await import("../hub/index.ts");
  return resolveModel(options.model, {
    ...hubOptions(options),
    signal,
    onProgress: ({ bytes, totalBytes }) =>
      bar.update({ label: "download", done: bytes, total: totalBytes, unit: "bytes" }),
  });
}
