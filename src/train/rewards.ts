/** @file Reward functions of GRPO: built-in ones by name, and users' own from a module. */

import { pathToFileURL } from "node:url";
import {
  accuracyReward,
  repetitionReward,
  softOverlongReward,
  type Task,
  thinkAnswerFormatReward,
  thinkFormatReward,
} from "../tasks/index.ts";

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

/**
 * The reward functions of a recipe.
 * @param specs built-in names, or `module`: a file whose default export is a RewardFunction
 * @throws Error when a module has no default function
 */
export async function loadRewards<Row>(specs: readonly RewardSpec[]): Promise<NamedReward<Row>[]> {
  return Promise.all(
    specs.map(async (spec) => {
      if (!("module" in spec)) return { name: spec.name, weight: spec.weight, score: builtIn<Row>(spec) };
      const loaded = (await import(pathToFileURL(spec.module).href)) as { default?: unknown };
      if (typeof loaded.default !== "function")
        throw new Error(
          `${spec.module} has no default export that is a function (found ${typeof loaded.default}): export default (completion) => number | null`,
        );
      return { name: spec.module, weight: spec.weight, score: loaded.default as RewardFunction<Row> };
    }),
  );
}
