/** @file `flashvl train …`: training by recipes, and what belongs to it. */
import type { Command } from "commander";
import { addCommonOptions } from "../shared-options.ts";
import { register as registerCheck } from "../train/check.ts";
import { register as registerKeys } from "../train/keys.ts";
import { register as registerMerge } from "../train/merge.ts";
import { register as registerNew } from "../train/new.ts";
import { register as registerRun } from "../train/run-stage.ts";
import { register as registerShow } from "../train/show.ts";
import { register as registerWatch } from "../train/watch.ts";

const STAGES = [
  ["sft", "supervised fine-tuning on conversations with pictures"],
  ["grpo", "reinforcement learning: answers are sampled, scored and reinforced (GRPO)"],
  ["dpo", "preference pairs: chosen answers over rejected ones (DPO, MPO and relatives)"],
] as const;

/** Adds the command and its subcommands to the program. */
export function register(program: Command): void {
  const train = program.command("train").description("train a model by a recipe; check, merge and watch training");
  // Flags behind a subcommand are the subcommand's: --json exists on both levels.
  train.enablePositionalOptions();
  for (const [stage, description] of STAGES) registerRun(train, stage, description);
  for (const add of [registerNew, registerKeys, registerShow, registerWatch, registerMerge, registerCheck]) add(train);
  for (const command of train.commands) addCommonOptions(command);
}
