/** @file Noise as data from the web has it: wrong answers, the same again and nearly again, broken and blurred pictures. */

import type { Random } from "../market/random.ts";

/** A row of a data file. */
export interface DataRow {
  readonly id: string;
  readonly image: string;
  readonly question: string;
  readonly answer: string;
  readonly family: number;
  readonly gold: unknown;
  /** What was done to it; for counting, never for training. */
  readonly noise?: string;
}

/** What is done to how many of a hundred rows. */
const SHARES = [
  ["wrong", 30],
  ["same", 15],
  ["nearly", 10],
  ["blurred", 10],
  ["missing", 3],
] as const;
export type Noise = (typeof SHARES)[number][0];

/** Draws what is done to a row; undefined leaves it as it is. */
export function drawNoise(random: Random): Noise | undefined {
  let at = random.integer(0, 99);
  for (const [noise, share] of SHARES) {
    if (at < share) return noise;
    at -= share;
  }
  return undefined;
}

/**
 * The rows that stand for a row.
 * @param other a row of the same family, whose answer is wrong here
 * @example noisy(row, "wrong", other)[0].answer === other.answer
 */
export function noisy(row: DataRow, noise: Noise | undefined, other: DataRow): DataRow[] {
  switch (noise) {
    case "wrong":
      return [{ ...row, answer: other.answer, gold: other.gold, noise }];
    case "same":
      return [row, { ...row, id: `${row.id}-same`, noise }, { ...row, id: `${row.id}-again`, noise }];
    case "nearly":
      return [row, { ...row, id: `${row.id}-nearly`, question: `${row.question} `.toUpperCase(), noise }];
    case "blurred":
      return [{ ...row, image: row.image.replace(".png", "-blurred.png"), noise }];
    case "missing":
      return [{ ...row, image: `gone-${row.image}`, noise }];
    default:
      return [row];
  }
}
