/** @file Reward functions of GRPO: built-in ones by name, and users' own from a module. */

import { parse } from "node:path";
import {
  accuracyReward,
  repetitionReward,
  softOverlongReward,
  type Task,
  thinkAnswerFormatReward,
  thinkFormatReward,
} from "../tasks/index.ts";
import { TrainingInputError } from "./input-error.ts";
import { defaultFunction } from "./open-module.ts";

/** What a reward function may look at. */
export interface Completion<Row> {
  readonly task: Task<Row>;
  readonly row: Row;
  readonly text: string;
  readonly tokens: readonly number[];
  readonly maxTokens: number;
}

/** A number, or null where this function cannot say anything about the row. */
export type RewardFunction<Row = unknown> = (completion: Completion<Row>) => number | null | Promise<number | null>;

export type RewardSpec =
  | { readonly name: "accuracy"; readonly weight: number; readonly partial?: boolean }
  | { readonly name: "format" | "think"; readonly weight: number }
  | { readonly name: "length"; readonly weight: number; readonly margin: number }
  | { readonly name: "repetition"; readonly weight: number; readonly n: number }
  | { readonly module: string; readonly weight: number };

export interface NamedReward<Row> {
  readonly name: string;
  readonly weight: number;
  readonly score: RewardFunction<Row>;
}

function builtIn<Row>(spec: Exclude<RewardSpec, { module: string }>): RewardFunction<Row> {
  switch (spec.name) {
    case "accuracy":
      return ({ task, row, text }) => accuracyReward(task, row, text, spec.partial ?? false);
    case "format":
      return ({ text }) => thinkAnswerFormatReward(text);
    case "think":
      return ({ text }) => thinkFormatReward(text);
    case "length":
      return ({ tokens, maxTokens }) => softOverlongReward(tokens.length, maxTokens, spec.margin);
    case "repetition":
      return ({ tokens }) => repetitionReward(tokens, spec.n, -1);
  }
}

const nameOf = (spec: RewardSpec): string => ("module" in spec ? parse(spec.module).name : spec.name);

/**
 * The reward functions of a recipe, each under a name of its own.
 * @param specs built-in names, or `module`: a JavaScript or TypeScript file whose default export is a RewardFunction
 * @throws TrainingInputError when a module cannot be loaded or has no default function
 */
export async function loadRewards<Row>(specs: readonly RewardSpec[]): Promise<NamedReward<Row>[]> {
  const names = specs.map(nameOf);
  const unique = names.map((name, i) => (names.indexOf(name) === i ? name : `${name}-${i + 1}`));
  return Promise.all(
    specs.map(async (spec, i) => ({
      name: unique[i]!,
      weight: spec.weight,
      score:
        "module" in spec
          ? await defaultFunction<RewardFunction<Row>>(spec.module, "reward", "(completion) => number | null")
          : builtIn<Row>(spec),
    })),
  );
}

const shorten = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

/**
 * What each reward function says about an answer.
 * @throws TrainingInputError naming the function that failed or returned anything but a finite number or null
 */
export function scoreAll<Row>(
  rewards: readonly NamedReward<Row>[],
  completion: Completion<Row>,
): Promise<(number | null)[]> {
  return Promise.all(
    rewards.map(async ({ name, score }) => {
      const answer = shorten(completion.text);
      let found: unknown;
      try {
        found = await score(completion);
      } catch (error) {
        throw new TrainingInputError(`the reward "${name}" failed for the answer ${answer}: ${error}`, {
          cause: error,
        });
      }
      if (found === null || (typeof found === "number" && Number.isFinite(found))) return found;
      throw new TrainingInputError(
        `the reward "${name}" returned ${String(found)} for the answer ${answer}, expected a finite number or null`,
      );
    }),
  );
}
