/** @file `flashvl pull NAME`: brings a model into the cache. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { addHubOptions, type CommonOptions, hubOptions, type ModelOptions } from "../shared-options.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { ProgressBar } from "../terminal/progress-bar.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("pull")
    .description("download a model into the cache and print its folder")
    .argument("<name>", "org/name[@revision]")
    .action((name: string, options: ModelOptions & CommonOptions) =>
      withInterrupt((signal) => pull(name, options, signal)),
    );
  addHubOptions(command);
}

async function pull(name: string, options: ModelOptions & CommonOptions, signal: AbortSignal): Promise<void> {
  const { parseModelName, resolveModel } = await import("../../hub/index.ts");
  // A folder may be asked for too; "org/.." is a slip that would name this one.
  const [first, ...rest] = name.split(/[/\\]/);
  if (!/^(\.{0,2}|~)$/.test(first!) && rest.some((part) => /^\.{1,2}$/.test(part))) parseModelName(name);
  const bar = new ProgressBar();
  let folder: string;
  try {
    folder = await resolveModel(name, {
      ...hubOptions(options),
      signal,
      onProgress: ({ bytes, totalBytes }) =>
        bar.update({ label: "download", done: bytes, total: totalBytes, unit: "bytes" }),
    });
  } finally {
    bar.end();
  }
  if (!options.json) return printLines([folder]);
  const names = (await readdir(folder)).sort();
  const files = await Promise.all(
    names.map(async (file) => ({ name: file, bytes: (await stat(join(folder, file))).size })),
  );
  printJson({ folder, files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) });
}
