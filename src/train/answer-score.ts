/** @file Validation by answers: held-out rows are asked greedily of the very weights that are trained, and what comes back is scored. */

import { availableKernels } from "../compile/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { FlashVL } from "../node/index.ts";
import { type Message, withImages } from "../processor/index.ts";
import { type Communicator, dealt, gatherValues } from "../ranks/index.ts";
import type { Tensor } from "../runtime/index.ts";
import { type PromptRow, promptTask } from "./data/file-prompts.ts";
import { TrainingInputError } from "./input-error.ts";
import { nativeTraining } from "./native-training.ts";
import { defaultFunction } from "./open-module.ts";
import type { SftKeys } from "./recipe/schema.ts";

type Metric = NonNullable<SftKeys["validation"]>["metric"];

/** What a score of one's own is given. */
export interface ScoredAnswer {
  readonly answer: string;
  readonly reference: string | undefined;
  /** The row as it stands in the file. */
  readonly columns: Readonly<Record<string, unknown>>;
}

/** The default export of a module that `validation.metric` names. @returns from 0, wrong, to 1, right */
export type ScoreAnswer = (answer: ScoredAnswer) => number | Promise<number>;

/** One answer of a validation. */
export interface JudgedRow {
  readonly prompt: string;
  readonly answer: string;
  readonly reference?: string;
  readonly score: number;
}

/** Asks the held-out rows. */
export interface AnswerScore {
  /** "exact", "accuracy" or the module's. */
  readonly name: string;
  readonly rows: number;
  /** Of the weights as they are now. */
  ask(): Promise<readonly JudgedRow[]>;
  dispose(): Promise<void>;
}

/** Differences that nobody means: of spaces at the ends and in a row, and of how Unicode writes a character. */
const plain = (text: string): string => text.normalize("NFKC").trim().replace(/\s+/g, " ");

async function scorerOf(
  metric: Exclude<Metric, "loss">,
): Promise<{ name: string; score: (row: PromptRow, answer: string) => Promise<number> }> {
  if (metric === "exact")
    return {
      name: metric,
      score: async ({ answer: reference }, answer) =>
        Number(reference !== undefined && plain(reference) === plain(answer)),
    };
  if (metric === "accuracy")
    return { name: metric, score: async (row, answer) => Number((await promptTask.score(row, answer)).correct) };
  const own = await defaultFunction<ScoreAnswer>(metric.module, "score", "({ answer, reference, columns }) => number");
  return {
    name: "score",
    async score({ answer: reference, columns }, answer) {
      const found = await own({ answer, reference, columns });
      if (typeof found === "number" && found >= 0 && found <= 1) return found;
      throw new TrainingInputError(
        `The score ${metric.module} returned ${String(found)} for the answer ${JSON.stringify(answer)}, expected a number from 0 to 1.`,
      );
    },
  };
}

const lastText = (messages: readonly Message[]): string => {
  const content = messages.at(-1)?.content ?? "";
  return typeof content === "string"
    ? content
    : content.map((part) => (part.type === "text" ? part.text : "")).join("");
};

export interface AnswerScoreOptions {
  readonly metric: Exclude<Metric, "loss">;
  readonly rows: readonly PromptRow[];
  readonly maxNewTokens: number;
}

/**
 * Opens an engine over the weights in training.
 * @param model folder of the model; its weights are not read
 * @param weights whole weights by name, the arrays that training changes
 * @param ranks each asks its part of the rows, and is told of all answers
 */
export async function openAnswerScore(
  { metric, rows, maxNewTokens }: AnswerScoreOptions,
  config: ModelConfig,
  recipe: Pick<SftKeys, "model" | "threads" | "iss" | "maxTiles" | "thumbnail">,
  weights: ReadonlyMap<string, Tensor<Float32Array>>,
  ranks: Communicator,
): Promise<AnswerScore> {
  const { name, score } = await scorerOf(metric);
  const { model, threads, iss, maxTiles, thumbnail } = recipe;
  const own = await Promise.all(dealt(rows, ranks).map(async (row) => (await row.load?.()) ?? row));
  const engine = await FlashVL.fromPretrained(model, {
    weights,
    threads,
    iss,
    maxTiles,
    thumbnail,
    kernels: availableKernels(nativeTraining().runtime),
    maxBatch: Math.min(8, Math.max(1, own.length)),
    maxContext: config.decoder.maxPositions,
  });
  return {
    name,
    rows: rows.length,
    async ask() {
      await engine.updateWeights();
      const requests = own.map(({ messages }) => ({
        image: null,
        messages: withImages(null, messages),
        options: { maxNewTokens },
      }));
      const results = await engine.generateMany(requests);
      const judged = await Promise.all(
        results.map(async ({ text }, i): Promise<JudgedRow> => {
          const row = own[i]!;
          return { prompt: lastText(row.messages), answer: text, reference: row.answer, score: await score(row, text) };
        }),
      );
      return (await gatherValues(ranks, judged)).flat();
    },
    dispose: () => engine.dispose(),
  };
}
