/** @file The baseline of who never looks: for each type of question, the answer that was right most often in training. */

import { askAbout } from "./ask-about.ts";
import type { Question } from "./questions/question.ts";
import { sampleBoard } from "./sample-board.ts";
import { trainingSeed } from "./samples.ts";

/** Types that only the picture tells apart, named by what the question alone shows. */
const lookAlikes: Readonly<Record<string, string>> = {
  "1 empty": "1 offer",
  "1 nowhere": "1 offer",
  "2 any-absent": "2 any",
  "2 where-absent": "2 where",
  "2 price-of-absent": "2 price-of",
  "7 not-a-board": "2 price-of",
  "7 unseen-thing": "7 seen",
};

function keyOf({ family, type, language }: Pick<Question, "family" | "type" | "language">): string {
  const name = `${family} ${type}`;
  return `${lookAlikes[name] ?? name} ${language}`;
}

/** Boards that the most frequent answers are counted on. */
const BOARDS = 1500;

/**
 * Answers without picture or training: the most frequent answer of the question's type and language among training questions.
 * @example const guess = constantAnswers(); task.score(row, guess(row));
 */
export function constantAnswers(seed = 1): (question: Pick<Question, "family" | "type" | "language">) => string {
  const tallies = new Map<string, Map<string, number>>();
  for (let i = 0; i < BOARDS; i++) {
    const picture = trainingSeed(seed, i);
    for (const question of askAbout(sampleBoard(picture), picture, { count: 8 })) {
      const tally = tallies.get(keyOf(question)) ?? new Map<string, number>();
      tally.set(question.answer, (tally.get(question.answer) ?? 0) + 1);
      tallies.set(keyOf(question), tally);
    }
  }
  const best = new Map([...tallies].map(([key, tally]) => [key, [...tally].sort((a, b) => b[1] - a[1])[0]![0]]));
  return (question) => best.get(keyOf(question)) ?? "";
}
