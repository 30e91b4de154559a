/** @file Chooses the largest batch that fits the memory, or says what a run would need and what to change. */

import type { ModelConfig } from "../../model/index.ts";
import { TrainingInputError } from "../input-error.ts";
import type { DpoRecipe, GrpoRecipe, SftRecipe } from "../recipe/schema.ts";
import { estimateMemory, type MemoryEstimate } from "./estimate.ts";

const GB = 1e9;
const gigabytes = (bytes: number): string => `${(bytes / GB).toPrecision(3)} GB`;

/** @example memoryLine(estimate, 20e9) // "memory about 3.61 GB of 20.0 GB: weights 0.03, gradients and moments 0.08, a step 3.25" */
export function memoryLine({ weights, optimizer, step, total }: MemoryEstimate, limit: number): string {
  const part = (bytes: number) => (bytes / GB).toFixed(2);
  return (
    `memory about ${gigabytes(total)} of ${gigabytes(limit)}: ` +
    `weights ${part(weights)}, gradients and moments ${part(optimizer)}, a step ${part(step)}`
  );
}

/** What a recipe that is too large could change, in the order of what it costs. */
function advice(recipe: SftRecipe | GrpoRecipe | DpoRecipe): string {
  const { rows, images } = recipe.batch;
  const ways = [
    ...(recipe.stage !== "grpo" && (rows > 1 || images > 1)
      ? [`a smaller batchSize${recipe.stage === "sft" ? " with a larger accumulate" : ""}`]
      : []),
    ...("recompute" in recipe && !recipe.recompute ? ["recompute: true"] : []),
    ...(recipe.lora ? [] : ["lora in place of train"]),
    recipe.stage === "grpo" ? "a smaller rollout.maxNewTokens or groupSize" : "shorter samples",
  ];
  return `${ways.slice(0, -1).join(", ")}${ways.length > 1 ? " or " : ""}${ways.at(-1)}`;
}

export interface Fitted<Filled> {
  readonly recipe: Filled;
  readonly memory: MemoryEstimate;
  /** Bytes that the run may take. */
  readonly limit: number;
}

/** The keys that say how large a batch is, as a run's recipe.yaml has them. */
export type BegunBatch = Readonly<Partial<Record<"batch" | "batchSize" | "accumulate", unknown>>>;

export interface FitOptions {
  /** Bytes; what is free on the machine, or in its container, when left out. */
  readonly limit?: number;
  /** Told where a smaller batch was chosen. */
  readonly print?: (line: string) => void;
  /** A run that goes on keeps its batch, so that its numbers do not depend on what else the machine does. */
  readonly begun?: BegunBatch;
}

const keysOf = ({ batch, batchSize, accumulate }: BegunBatch): string => JSON.stringify([batch, batchSize, accumulate]);

/**
 * The first recipe that fits, or the one that the run was begun with.
 * @param candidates forms of one recipe, from the largest batch to the smallest; made as they are asked for
 * @throws TrainingInputError saying what the smallest needs, and what to change
 */
export function fitMemory<Filled extends SftRecipe | GrpoRecipe | DpoRecipe>(
  config: ModelConfig,
  candidates: Iterable<Filled>,
  { limit = process.availableMemory(), print = () => {}, begun }: FitOptions = {},
): Fitted<Filled> {
  if (begun) {
    const all = [...candidates];
    const kept = all.find((recipe) => keysOf(recipe) === keysOf(begun));
    if (kept) return { recipe: kept, memory: estimateMemory(config, kept), limit };
    candidates = all;
  }
  let largest: MemoryEstimate | undefined;
  let smallest: { recipe: Filled; memory: MemoryEstimate } | undefined;
  for (const recipe of candidates) {
    const memory = estimateMemory(config, recipe);
    smallest = { recipe, memory };
    largest ??= memory;
    if (memory.total > limit) continue;
    if (memory !== largest)
      print(
        `the usual batch would take about ${gigabytes(largest.total)} of memory, of which ${gigabytes(limit)} are free: a smaller one is taken`,
      );
    return { recipe, memory, limit };
  }
  const { recipe, memory } = smallest!;
  throw new TrainingInputError(
    `This batch does not fit the memory: ${memoryLine(memory, limit)}. Take ${advice(recipe)}; ` +
      `where the estimate is wrong, say how many GB the run may take with memory: ${Math.ceil((1.1 * memory.total) / GB)}.`,
  );
}
