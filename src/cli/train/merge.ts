/** @file `flashvl train merge ADAPTER OUT`: folds a LoRA into its model. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { CommonOptions } from "../shared-options.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

interface Options extends CommonOptions {
  base?: string;
}

/** Adds the command to `train`. */
export function register(train: Command): void {
  train
    .command("merge")
    .description("fold a LoRA (PEFT's files) into its base model")
    .argument("<adapter>", "folder with adapter_model.safetensors and adapter_config.json")
    .argument("<out>", "folder to write; new or empty")
    .option("--base <folder>", "the base model (default: the one that adapter_config.json names)")
    .action(merge);
}

async function merge(adapter: string, out: string, { base, json }: Options): Promise<void> {
  const { mergeAdapter } = await import("../../train/index.ts");
  await mergeAdapter(adapter, out, { base });
  const folder = resolve(out);
  if (json) printJson({ folder });
  else printLines([folder]);
}
