/** @file A source of training data as a user's module: what its default export makes for each stage. */

import type { Task } from "../../tasks/index.ts";
import { TrainingInputError } from "../input-error.ts";
import { openModule, type Resolve, type UserOptions } from "../open-module.ts";
import type { PairSequence } from "./pairs.ts";
import type { SampleContext } from "./sample-context.ts";
import type { Sequence } from "./sequence.ts";

/** Samples of supervised fine-tuning. */
export interface SftData {
  /**
   * Samples from number `start` on. A number always gives the same sample, so that a run resumes where it stopped. One that
   * has no tokens is skipped. The run ends with the samples, if they end.
   */
  samples(start: number): AsyncIterable<Sequence>;
  /** Samples for validation, which `samples` never gives; at most `count` are read. */
  heldOut?(count: number): AsyncIterable<Sequence>;
}

/** Prompts of reinforcement learning. */
export interface GrpoData<Row = unknown> {
  /** How a row is asked, and how an answer to it is scored. */
  readonly task: Task<Row>;
  /** Rows from number `start` on, always the same; undefined where one is left out. */
  rows(start: number): AsyncIterable<Row | undefined>;
  /** Rows for validation, which `rows` never gives; at most `count` are read. */
  heldOut?(count: number): AsyncIterable<Row>;
}

/** Pairs of preference training. */
export interface DpoData {
  /** Pairs from number `start` on, always the same, see `encodePair`; undefined where one is left out. */
  pairs(start: number): AsyncIterable<PairSequence | undefined>;
  /** Pairs for validation, which `pairs` never gives; at most `count` are read. */
  heldOut?(count: number): AsyncIterable<PairSequence>;
}

/** Data for one of the stages, or for several. */
export interface DataSource {
  readonly sft?: SftData;
  readonly grpo?: GrpoData;
  readonly dpo?: DpoData;
  /** Called when the run ends. */
  close?(): void | Promise<void>;
}

/** What a source is made for. */
export interface SourceContext extends SampleContext {
  /** Most that a sample may take: tokens with pictures, pictures, trained tokens. A larger one ends the run. */
  readonly limits: { readonly length: number; readonly images: number; readonly labels: number };
  readonly resolve: Resolve;
}

/** The default export of a module that a recipe's `data.source` names. It refuses options that it does not know. */
export type OpenSource = (options: UserOptions, context: SourceContext) => DataSource | Promise<DataSource>;

type Found = Readonly<Record<string, unknown>>;
const IS_COMPLETE = {
  sft: ({ samples }: Found) => typeof samples === "function",
  grpo: ({ rows, task }: Found) => typeof rows === "function" && task !== undefined,
  dpo: ({ pairs }: Found) => typeof pairs === "function",
};
const EXPECTED = { sft: "sft: { samples }", grpo: "grpo: { task, rows }", dpo: "dpo: { pairs }" };

/**
 * Opens the source of a recipe for one stage.
 * @throws TrainingInputError when the module cannot be imported, refuses its options, or has no data for the stage
 */
export async function openSource<Stage extends "sft" | "grpo" | "dpo">(
  path: string,
  options: UserOptions,
  context: SourceContext,
  stage: Stage,
): Promise<DataSource & Required<Pick<DataSource, Stage>>> {
  const source = await openModule<DataSource>(path, "data source", options, context);
  const data = source?.[stage];
  if (data && IS_COMPLETE[stage](data as object as Found))
    return source as DataSource & Required<Pick<DataSource, Stage>>;
  const expected = EXPECTED[stage];
  throw new TrainingInputError(
    `The data source ${path} has no data for the stage "${stage}". Its default export is to return { ${expected} }.`,
  );
}
