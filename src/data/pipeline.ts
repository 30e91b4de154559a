/** @file A pipeline of data steps, as its YAML file says it. */

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import type { z } from "zod";
import { DataError } from "./data-error.ts";
import { pipelineKeys, type Step, steps as stepKeys } from "./steps/keys.ts";

export type { Step } from "./steps/keys.ts";

/** A pipeline as it was read, with what it says about its rows. */
export interface Pipeline extends z.infer<typeof pipelineKeys> {
  /** What paths are relative to. */
  readonly folder: string;
}

/** What a step is told, whichever it is. */
export const bodyOf = (step: Step) => Object.entries(step).find(([key]) => key !== "name")![1] as object;

/** What a step reads. */
export const inputsOf = (step: Step): string[] =>
  "mix" in step ? step.mix.sources.map((source) => source.from) : [(bodyOf(step) as { from: string }).from];

/** Reward modules, like all paths of a pipeline, are relative to it. */
function withModules(one: Step, folder: string): Step {
  if (!("sample" in one)) return one;
  const rewards = one.sample.rewards.map((reward) =>
    "module" in reward ? { ...reward, module: resolve(folder, reward.module) } : reward,
  );
  return { ...one, sample: { ...one.sample, rewards } };
}

/** One line for each fault; of a step the form that came nearest. */
const faultsOf = (issues: readonly z.core.$ZodIssue[], path: readonly PropertyKey[] = []): string[] =>
  issues.flatMap((issue) => {
    const at = [...path, ...issue.path];
    if (issue.code === "invalid_union") {
      const keys = (branch: readonly z.core.$ZodIssue[]) =>
        branch.some((one) => one.code === "unrecognized_keys" && one.path.length === 0);
      const nearest = issue.errors.find((branch) => !keys(branch));
      if (nearest) return faultsOf(nearest, at);
      return [`${at.join(".")}: expected a name and one of ${Object.keys(stepKeys).join(", ")}`];
    }
    return [`${at.join(".") || "(top)"}: ${issue.message}`];
  });

/**
 * Checks the parsed content of a pipeline.
 * @param path of the file, for errors and for the paths in it
 * @throws DataError listing what is wrong
 */
export function parsePipeline(content: unknown, path: string): Pipeline {
  const parsed = pipelineKeys.safeParse(content);
  if (!parsed.success)
    throw new DataError(
      `${path} is not valid:\n${faultsOf(parsed.error.issues)
        .map((line) => `  ${line}`)
        .join("\n")}`,
    );
  const { steps } = parsed.data;
  const names = steps.map((one) => one.name);
  const twice = names.find((one, i) => names.indexOf(one) !== i);
  if (twice) throw new DataError(`${path}: two steps are called "${twice}", expected names of their own.`);
  for (const [i, one] of steps.entries())
    for (const input of inputsOf(one))
      if (names.slice(i).includes(input))
        throw new DataError(`${path}: the step "${one.name}" reads "${input}", which is not made before it.`);
      else if (steps.some((other) => other.name === input && "inspect" in other))
        throw new DataError(`${path}: the step "${one.name}" reads "${input}", which makes a page and no rows.`);
  const folder = dirname(resolve(path));
  return { ...parsed.data, steps: steps.map((one) => withModules(one, folder)), folder };
}

/** @throws DataError when it is not YAML, or listing what is wrong */
export async function readPipeline(path: string): Promise<Pipeline> {
  const text = await readFile(path, "utf8");
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new DataError(`${path} is not YAML: ${(error as Error).message}`, { cause: error });
  }
  return parsePipeline(content, path);
}
