/** @file `flashvl export --web [NAME] OUT`: writes a model as static files that run in a page. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { WebDevice } from "../../browser/manifest.ts";
import { UsageError } from "../fail.ts";
import { openModelFolder } from "../open-model-folder.ts";
import { choosePrecision } from "../precision.ts";
import { addHubOptions, type CommonOptions, type ModelOptions } from "../shared-options.ts";
import { formatBytes } from "../terminal/format.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { ProgressBar } from "../terminal/progress-bar.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

const DEVICES: readonly WebDevice[] = ["wasm", "webgpu"];

interface Options extends ModelOptions, CommonOptions {
  web?: boolean;
  preset?: string;
  device?: string;
  cache?: string;
}

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("export")
    .description("write a model as static files that run in a page, without a server (see flashvl/web)")
    .usage("--web [options] [name] <folder>")
    .argument(
      "<name-and-folder...>",
      "the model (the one that ships with the package if absent), and the folder to write",
    )
    .requiredOption("--web", "for pages: graphs for onnxruntime-web, weights in chunks, a manifest")
    .option("--preset <name>", "precision: fp32 (default), int8, int4, w8a8, auto, or for WebGPU fp16")
    .option("--device <name>", "graphs for wasm or webgpu alone (default: both, as far as the preset has them)")
    .option("--cache <folder>", "cache of compiled graphs (default: ~/.cache/flashvl)")
    .action((names: string[], options: Options) => withInterrupt((signal) => exportModel(names, options, signal)));
  addHubOptions(command);
}

async function exportModel(names: string[], options: Options, signal: AbortSignal): Promise<void> {
  if (names.length > 2)
    throw new UsageError(
      `Expected a model and a folder; found ${names.length} names. Put names with spaces in quotes.`,
    );
  const [model, out] = names.length === 2 ? names : [undefined, names[0]];
  const { preset = "fp32" } = await choosePrecision(options);
  const device = DEVICES.find((known) => known === options.device);
  if (options.device !== undefined && !device)
    throw new UsageError(`There is no device "${options.device}" in pages; expected ${DEVICES.join(" or ")}.`);
  if (preset === "fp16" && device === "wasm")
    throw new UsageError("Preset fp16 is for GPUs; choose fp32, int8 or int4 for wasm.");
  const { exportWeb } = await import("../../compile/index.ts");
  const { checkpoint, config } = await openModelFolder(model, options, signal);
  const bar = new ProgressBar();
  try {
    const { folder, manifest, bytes } = await exportWeb(checkpoint, config, out!, {
      preset,
      // A folder of the hub's cache has a hash for a name.
      name: model !== undefined && resolve(model) !== checkpoint.folder ? model : undefined,
      devices: device && [device],
      cacheDir: options.cache,
      signal,
      onProgress: (done, total) => bar.update({ label: `compile ${preset}`, done, total, unit: "bytes" }),
    });
    bar.end();
    const devices = Object.keys(manifest.graphs);
    if (options.json) printJson({ folder, preset, devices, bytes });
    else {
      process.stderr.write(`${preset} for ${devices.join(" and ")}: ${formatBytes(bytes)}\n`);
      printLines([folder]);
    }
  } finally {
    bar.end();
    await checkpoint.close();
  }
}
