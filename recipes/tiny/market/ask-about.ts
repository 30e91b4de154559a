/** @file Makes questions with right answers about a market picture. */

import type { Board, PriceBoard } from "./board.ts";
import { askToCalculate } from "./questions/arithmetic.ts";
import { askToCompare } from "./questions/compare.ts";
import { askToCount } from "./questions/count.ts";
import { askToDescribe } from "./questions/describing.ts";
import { askToFind } from "./questions/find.ts";
import { askInGeneral } from "./questions/general.ts";
import { askOneCell } from "./questions/one-cell.ts";
import { type Draft, type Family, families, type Question } from "./questions/question.ts";
import { createRandom, type Random } from "./random.ts";
import { roughen } from "./roughen.ts";
import type { Language } from "./words.ts";

/** The share of questions that are typed carelessly. */
const ROUGH_SHARE = 0.3;

export interface AskOptions {
  /** Families to ask from; all seven when left out. */
  families?: readonly Family[];
  /** How many different questions. */
  count: number;
  /** Both languages, mixed, when left out. */
  language?: Language;
  /** How often a family is asked from, where not as usual (1: 6, 2: 5, 3 to 5: 3, 6 and 7: 1). */
  weights?: Partial<Record<Family, number>>;
  /** Share of the answers that leave their working out: what was read, then the result. None when left out. */
  brief?: number;
}

type Asker = (board: PriceBoard, random: Random, language: Language) => Draft | undefined;
const askers: Readonly<Record<1 | 2 | 3 | 4 | 5, Asker>> = {
  1: askOneCell,
  2: askToFind,
  3: askToCount,
  4: askToCompare,
  5: askToCalculate,
};

/** How often each family comes among questions about a price board. */
const usualWeights: Readonly<Record<Family, number>> = { 1: 6, 2: 5, 3: 3, 4: 3, 5: 3, 6: 1, 7: 1 };
/** Some boards can't give what was asked for (two cells of different price, say): tries before giving up. */
const MOST_TRIES = 40;

/**
 * Different questions about one picture. The same arguments give the same questions. Fewer than `count` come back when
 * the picture can't give more: pictures that are no price boards only know families 6 and 7.
 * @example askAbout(board, 7, { families: [1, 2], count: 4, language: "en" })
 */
export function askAbout(
  board: Board,
  seed: number,
  { families: wanted = families, count, language, weights, brief: briefShare = 0 }: AskOptions,
): Question[] {
  const random = createRandom(seed, 3);
  // A stream of its own: how answers are written does not change what is asked.
  const style = createRandom(seed, 31);
  const possible = board.scene === "board" ? wanted : wanted.filter((family) => family >= 6);
  const questions: Question[] = [];
  const asked = new Set<string>();
  for (let i = 0; i < count * MOST_TRIES && questions.length < count && possible.length > 0; i++) {
    const family = random.weighted(possible.map((one) => [one, weights?.[one] ?? usualWeights[one]] as const));
    const tongue = language ?? random.pick(["zh", "en"] as const);
    const draft = ask(board, family, random, tongue);
    if (!draft || asked.has(draft.question)) continue;
    if (random.chance(ROUGH_SHARE)) draft.question = roughen(draft.question, random, tongue);
    // Describing once per language is enough: the second time is the same answer.
    if (family === 6 && questions.some((question) => question.family === 6 && question.language === tongue)) continue;
    asked.add(draft.question);
    const { brief, ...full } = draft;
    const answer = brief !== undefined && style.chance(briefShare) ? brief : full.answer;
    questions.push({ family, language: tongue, ...full, answer });
  }
  return questions;
}

function ask(board: Board, family: Family, random: Random, language: Language): Draft | undefined {
  if (family === 7) return askInGeneral(board, random, language);
  if (family === 6) return askToDescribe(board, random, language);
  return board.scene === "board" ? askers[family](board, random, language) : undefined;
}
