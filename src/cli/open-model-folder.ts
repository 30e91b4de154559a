/** @file From a model's name on the command line to an open checkpoint with a checked config. */
import type { Checkpoint } from "../hub/index.ts";
import type { FlashVLConfig } from "../model/index.ts";
import { BadInputError } from "./fail.ts";
import { hubOptions, type ModelOptions } from "./shared-options.ts";
import { ProgressBar } from "./terminal/progress-bar.ts";

/** A checkpoint and what its config.json means; whoever gets it closes it. */
export interface OpenedModel {
  checkpoint: Checkpoint;
  config: FlashVLConfig;
}

/**
 * Finds the model (downloading it if need be, with a progress bar), opens it and reads its config.
 *
 * @param name a folder or org/name[@revision]; the checkpoint that ships with the package if absent
 */
export async function openModelFolder(
  name: string | undefined,
  options: ModelOptions,
  signal: AbortSignal,
): Promise<OpenedModel> {
  const { openCheckpoint, resolveModel } = await import("../hub/index.ts");
  const { parseConfig } = await import("../model/index.ts");
  const bar = new ProgressBar();
  let folder: string;
  try {
    folder = await resolveModel(name ?? (await embeddedModel()), {
      ...hubOptions(options),
      signal,
      onProgress: ({ bytes, totalBytes }) =>
        bar.update({ label: "download", done: bytes, total: totalBytes, unit: "bytes" }),
    });
  } finally {
    bar.end();
  }
  const checkpoint = await openCheckpoint(folder);
  try {
    return { checkpoint, config: parseConfig(checkpoint.config) };
  } catch (cause) {
    await checkpoint.close();
    throw new BadInputError(`${folder}: ${(cause as Error).message}`, { cause });
  }
}

async function embeddedModel(): Promise<string> {
  const { defaultModelFolder } = await import("../engine/index.ts");
  return defaultModelFolder();
}
