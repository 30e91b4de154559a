/** @file From a model's name on the command line to an open checkpoint with a checked config. */
import type { ModelCheckpoint } from "../compile/index.ts";
import { hubOptions, type ModelOptions } from "./shared-options.ts";
import { ProgressBar } from "./terminal/progress-bar.ts";

/**
 * Finds the model (downloading it if need be, with a progress bar), opens it and reads its config; whoever gets it closes it.
 *
 * @param name a folder or org/name[@revision]; the checkpoint that ships with the package if absent
 */
export async function openModelFolder(
  name: string | undefined,
  options: ModelOptions,
  signal: AbortSignal,
): Promise<ModelCheckpoint> {
  const { resolveModel } = await import("../hub/index.ts");
  const { openModelCheckpoint } = await import("../compile/index.ts");
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
  return openModelCheckpoint(folder, { iss: options.iss });
}

async function embeddedModel(): Promise<string> {
  const { defaultModelFolder } = await import("../node/index.ts");
  return defaultModelFolder();
}
