/** @file The market as a task: fixed questions about seeded pictures, scored by exact match; also a reward for RL. */

import type { ImageInput, Message, RgbImage } from "flashvl/processor";
import type { Score, Task } from "flashvl/tasks";
import { askAbout } from "./ask-about.ts";
import type { Board } from "./board.ts";
import { drawBoards } from "./draw-boards.ts";
import { families as allFamilies, type Family, type Question } from "./questions/question.ts";
import { scoreAnswer } from "./score/score-answer.ts";
import { checkSeed, type Split, seedRanges } from "./splits.ts";
import type { Language } from "./words.ts";

/** One question about one picture. */
export interface MarketRow extends Question {
  /** Names the row in results: split, picture seed, family and number. */
  id: string;
  split: Split;
  seed: number;
  image: RgbImage;
}

export interface MarketTaskOptions {
  /** Which pictures. Default "test": training's art and fonts, but seeds that training can't use. */
  split?: Split;
  /** Families to ask from. Default all. */
  families?: readonly Family[];
  /** Picture seeds; they must belong to the split. Default the split's first `pictures` seeds. */
  seeds?: Iterable<number>;
  /** How many pictures when `seeds` is left out. Default 300. */
  pictures?: number;
  /** Questions per family and picture. Default 1. */
  count?: number;
  /** Default both, mixed. */
  language?: Language;
  /** Only pictures of this kind, for example "other" to see what is said about no price board at all. */
  scene?: Board["scene"];
  /** Ask without showing the picture: what can be guessed from the questions alone. */
  blind?: boolean;
  /** Drawing threads. Default 1. */
  workers?: number;
}

/**
 * The market task. The same options give the same rows.
 * @throws RangeError when a seed does not belong to the split
 * @example const task = marketTask({ split: "held-out-art", families: [1, 2] });
 * @example for await (const row of task.rows()) task.score(row, await answer(task.prompt(row)));
 */
export function marketTask(options: MarketTaskOptions = {}): Task<MarketRow> {
  const {
    split = "test",
    families = allFamilies,
    pictures = 300,
    count = 1,
    language,
    scene,
    blind = false,
    workers = 1,
  } = options;
  const { first } = seedRanges[split];
  const seeds = [...(options.seeds ?? Array.from({ length: pictures }, (_, i) => first + i))];
  for (const seed of seeds) checkSeed(seed, split);
  return {
    name: `market/${split}${scene ? `/${scene}` : ""}${blind ? "/blind" : ""}`,
    async *rows() {
      for await (const { seed, image, board } of drawBoards({ seeds, split, scene, workers })) {
        for (const family of families) {
          for (const [i, question] of askAbout(board, seed, { families: [family], count, language }).entries()) {
            yield { id: `${split}-${seed}-${family}-${i}`, split, seed, image, ...question };
          }
        }
      }
    },
    prompt(row): { images: ImageInput[]; messages: Message[] } {
      return { images: blind ? [] : [row.image], messages: [{ role: "user", content: row.question }] };
    },
    score: (row, answer): Score => scoreAnswer(row.gold, answer),
  };
}
