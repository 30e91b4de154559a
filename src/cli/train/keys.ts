/** @file `flashvl train keys [STAGE]`: every key of a recipe with its type, default and meaning. */
import type { Command } from "commander";
import { UsageError } from "../fail.ts";
import type { CommonOptions } from "../shared-options.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

interface Options extends CommonOptions {
  schema?: boolean;
}

/** Adds the command to `train`. */
export function register(train: Command): void {
  train
    .command("keys")
    .description("list the keys of recipes, with types, defaults and meanings")
    .argument("[stage]", "sft, grpo or dpo", "sft")
    .option("--schema", "print a JSON Schema for editors instead")
    .action(keys);
}

async function keys(stage: string, { schema, json }: Options): Promise<void> {
  const { keysOf, recipeJsonSchema } = await import("../../train/index.ts");
  if (schema) return printJson(recipeJsonSchema());
  if (stage !== "sft" && stage !== "grpo" && stage !== "dpo")
    throw new UsageError(`The stage is ${JSON.stringify(stage)}; expected sft, grpo or dpo.`);
  const all = keysOf(stage);
  if (json) return printJson(all);
  const width = Math.max(...all.map(({ path }) => path.length));
  printLines(
    all.map(({ path, type, default: usual, required, meaning }) => {
      const details = [type, required ? "required" : "", usual === undefined ? "" : `default ${JSON.stringify(usual)}`];
      const shown = details.filter(Boolean).join(", ");
      return `${path.padEnd(width)}  ${meaning}${shown ? ` (${shown})` : ""}`.trimEnd();
    }),
  );
}
