/** @file The contract of a task: data, prompt and score in one object, which both scores a benchmark and rewards reinforcement learning. */

import type { ImageInput, Message } from "../processor/index.ts";

/** What a scorer says about one answer. */
export interface Score {
  /** True only if the answer is right as a whole. */
  correct: boolean;
  /** Partial credit in 0..1; equals 1 exactly when `correct`, unless the task says otherwise. */
  value: number;
  /** What was read out of the answer and what was expected, for a person to look at. */
  detail: string;
}

/** A benchmark, or a reward: rows to ask, how to ask one, and how to score what came back. */
export interface Task<Row> {
  name: string;
  rows(): AsyncIterable<Row>;
  prompt(row: Row): { images: ImageInput[]; messages: Message[] };
  /** May wait for a proof, a process or a service: what calls it awaits it. */
  score(row: Row, answer: string): Score | Promise<Score>;
}
