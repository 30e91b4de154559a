/** @file The flags that say how an answer is written, and what they mean to the engine. */

import type { Command } from "commander";
import { MAX_SEED } from "../../common/index.ts";
import { asksForChance, type GenerateOptions } from "../../engine/index.ts";
import { parseNumber } from "../parse-number.ts";

/** The flags as commander gives them. */
export interface GenerateFlags {
  maxNewTokens?: number;
  sample?: boolean;
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  seed?: number;
  stop?: string[];
  promptLookup?: boolean;
  system?: string;
}

/** Adds the flags; their limits are the engine's, so that a wrong value is refused before the model is loaded. */
export function addGenerateFlags(command: Command): Command {
  const penalty = parseNumber({ least: -2, most: 2 });
  return command
    .option("--max-new-tokens <n>", "longest answer (default: 256)", parseNumber({ least: 1, whole: true }))
    .option("--sample", "draw tokens instead of taking the likeliest")
    .option("--temperature <n>", "divides the logits; above 0 switches sampling on", parseNumber({ least: 0 }))
    .option("--top-k <n>", "draw from the k likeliest tokens", parseNumber({ least: 1, whole: true }))
    .option(
      "--top-p <n>",
      "draw from the likeliest tokens that reach this probability",
      parseNumber({ least: 0, above: true, most: 1 }),
    )
    .option("--min-p <n>", "draw from tokens this likely relative to the likeliest", parseNumber({ least: 0, most: 1 }))
    .option("--repetition-penalty <n>", "above 1 makes repetition less likely", parseNumber({ least: 0, above: true }))
    .option("--presence-penalty <n>", "subtracted from tokens in the answer", penalty)
    .option("--frequency-penalty <n>", "subtracted from tokens in the answer per occurrence", penalty)
    .option("--seed <n>", "the same seed draws the same answer", parseNumber({ least: 0, most: MAX_SEED, whole: true }))
    .option("--stop <text>", "end the answer before this text; may be repeated", (text: string, earlier?: string[]) => [
      ...(earlier ?? []),
      text,
    ])
    .option(
      "--prompt-lookup",
      "guess tokens from what was said before and check several at once; same answer, copies faster",
    )
    .option("--system <text>", "system prompt; empty for none");
}

/** Flags as options of an answer. */
export function generateOptions(flags: GenerateFlags): GenerateOptions {
  const { sample, system, stop, promptLookup, maxNewTokens, seed, temperature, topK, topP, minP } = flags;
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = flags;
  return {
    doSample: sample || asksForChance({ temperature, topK, topP, minP }),
    maxNewTokens,
    temperature,
    topK,
    topP,
    minP,
    repetitionPenalty,
    presencePenalty,
    frequencyPenalty,
    seed,
    stop,
    promptLookup,
    systemPrompt: system === "" ? null : system,
  };
}
