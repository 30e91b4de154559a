/** @file Test questions about large boards, as a task: cells whose writing a border of plain tiles cuts, and as many that lie inside. */

import { tileGrid } from "flashvl/model";
import type { ImageInput, Message } from "flashvl/processor";
import type { Task } from "flashvl/tasks";
import {
  createRandom,
  drawBoards,
  filledCells,
  isCut,
  type Random,
  type SeededLargeBoard,
  scoreAnswer,
  seedRanges,
} from "../market/index.ts";
import { askAboutCell, type CellQuestion } from "./questions.ts";
import { FORMS } from "./start.ts";

/** One question. */
export interface LargeRow extends CellQuestion {
  readonly id: string;
  readonly image: SeededLargeBoard["image"];
  /** Where the cell lies, and how many cells the board has: "border, up to 30 cells". */
  readonly category: string;
}

/** The side of a plain tile in pixels: the small model's view. */
const TILE = 256;
const ASKED = 303;
/** Questions about a picture of each of the two kinds of cells. */
const OF_EACH = 3;

export const PLACES = ["border", "inner"] as const;
export const SIZES = ["up to 30 cells", "31 to 60 cells", "over 60 cells"] as const;
const sizeOf = (cells: number): string => SIZES[cells <= 30 ? 0 : cells <= 60 ? 1 : 2];

function* questionsAbout(drawn: SeededLargeBoard, random: Random): Generator<LargeRow> {
  const { least = 1, most } = { least: 1, ...FORMS.dynamic.tiles };
  const grid = tileGrid(drawn.image, TILE, least, most);
  const cells = filledCells(drawn.board).map((cell, i) => ({ cell, cut: isCut(drawn.writing[i]!, grid) }));
  const cut = random.sample(cells.filter((one) => one.cut)).slice(0, OF_EACH);
  const inner = random.sample(cells.filter((one) => !one.cut)).slice(0, OF_EACH);
  for (const [i, { cell, cut: border }] of [...cut, ...inner].entries()) {
    const question = askAboutCell(drawn.board, cell, random, random.pick(["zh", "en"] as const));
    const category = `${border ? "border" : "inner"}, ${sizeOf(cells.length)}`;
    yield { ...question, id: `large-${drawn.seed}-${i}`, image: drawn.image, category };
  }
}

/**
 * Large boards that no training has seen.
 * @example flashvl eval recipes/tiny/large/tasks.ts -m runs/large/iss/last
 */
export const largeTask = (pictures = 200): Task<LargeRow> => ({
  name: "large",
  async *rows() {
    const { first } = seedRanges["large-test"];
    const seeds = Array.from({ length: pictures }, (_, i) => first + i);
    for await (const drawn of drawBoards({ seeds, split: "large-test", choose: () => ({ large: true }) }))
      yield* questionsAbout(drawn as SeededLargeBoard, createRandom(drawn.seed, ASKED));
  },
  prompt({ image, question }): { images: ImageInput[]; messages: Message[] } {
    return { images: [image], messages: [{ role: "user", content: question }] };
  },
  score: ({ gold }, answer) => scoreAnswer(gold, answer),
});
export default largeTask();
