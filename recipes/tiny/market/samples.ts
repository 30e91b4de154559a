/** @file Training samples: pictures with labels per half patch, or with conversations about them. */

import type { Message, RgbImage } from "flashvl/processor";
import { askAbout } from "./ask-about.ts";
import type { Board } from "./board.ts";
import { drawBoards } from "./draw-boards.ts";
import type { Family, Question } from "./questions/question.ts";
import { mixSeed } from "./random.ts";
import { seedRanges } from "./splits.ts";

/** Pre-train the tower on patch labels, align it on descriptions, or teach all question families. */
export type Stage = "see" | "describe" | "chat";

export interface MarketSampleOptions {
  stage: Stage;
  /** Seed of the training run: another seed means other pictures. */
  seed: number;
  /** Samples `from` (included) to `to` (excluded); the same index gives the same sample, so a run can resume anywhere. */
  from: number;
  to: number;
  /** Question-answer pairs per picture. Default 0 for "see", 2 for "describe" (one per language), 6 for "chat". */
  questionsPerPicture?: number;
  /** Families to ask from in "chat"; all when left out. */
  families?: readonly Family[];
  /** Drawing threads. Default 1. */
  workers?: number;
}

export interface MarketSample {
  index: number;
  /** Seed of the picture; always of the training range. */
  seed: number;
  image: RgbImage;
  board: Board;
  /** `[16, 16, 3]` indices into `patchClasses`. */
  patchLabels: Uint8Array;
  /** Questions and answers over the one picture, which stands in the first user turn. Empty for "see". */
  conversation: Message[];
  questions: Question[];
}

const usualQuestions: Readonly<Record<Stage, number>> = { see: 0, describe: 2, chat: 6 };

/** The picture seed of a sample: any two runs and any two indices share pictures only by chance. */
export function trainingSeed(runSeed: number, index: number): number {
  const { first, count } = seedRanges.train;
  return first + (mixSeed(runSeed, index) % count);
}

/**
 * Samples in order of their index, drawn in worker threads a few ahead of the consumer.
 * @throws RangeError for a bad index range
 * @example for await (const { image, conversation } of marketSamples({ stage: "chat", seed: 1, from: 0, to: 100 })) train(image, conversation);
 */
export async function* marketSamples(options: MarketSampleOptions): AsyncGenerator<MarketSample> {
  const { stage, seed, from, to, families, workers = 1, questionsPerPicture = usualQuestions[stage] } = options;
  if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to)) {
    throw new RangeError(`The index range is ${from} to ${to}; expected whole numbers with 0 <= from <= to.`);
  }
  function* seeds() {
    for (let index = from; index < to; index++) yield trainingSeed(seed, index);
  }
  let index = from;
  for await (const drawn of drawBoards({ seeds: seeds(), workers, split: "train" })) {
    const { image, board, patchLabels } = drawn;
    const questions = questionsFor(stage, board, drawn.seed, questionsPerPicture, families);
    yield {
      index: index++,
      seed: drawn.seed,
      image,
      board,
      patchLabels,
      questions,
      conversation: toConversation(image, questions),
    };
  }
}

function questionsFor(
  stage: Stage,
  board: Board,
  seed: number,
  count: number,
  families?: readonly Family[],
): Question[] {
  if (count === 0) return [];
  return askAbout(board, seed, { count, families: stage === "describe" ? [6] : families });
}

/** The questions and answers as one conversation over the picture. */
export function toConversation(image: RgbImage, questions: readonly Question[]): Message[] {
  return questions.flatMap(({ question, answer }, i): Message[] => [
    {
      role: "user",
      content:
        i === 0
          ? [
              { type: "image", image },
              { type: "text", text: question },
            ]
          : question,
    },
    { role: "assistant", content: answer },
  ]);
}
