/** @file Decides what a large board shows: 4 to 10 rows and columns, more than one square of the model's view can hold. */

import type { Cell, NameStyle, PriceBoard } from "./board.ts";
import { kinds } from "./kinds.ts";
import { createRandom, type Random } from "./random.ts";
import { currencies, pickPrice, pickWriting } from "./sample-wide-board.ts";

/** Rows and columns of a large board. */
export const LARGE_SIDE = { least: 4, most: 10 };
/** From so many columns on, prices have at most three digits. */
const NARROW = 7;

/** Every kind once, then every kind again: names are unique where there is room for that. */
function pickGoods(random: Random, count: number): string[] {
  const goods: string[] = [];
  while (goods.length < count) goods.push(...random.sample(kinds).map(({ id }) => id));
  return goods.slice(0, count);
}

/** The content of one large board, without empty places. The same seed gives the same board. */
export function sampleLargeBoard(seed: number): PriceBoard {
  const random = createRandom(seed, 11);
  const [rows, columns] = [0, 1].map(() => random.integer(LARGE_SIDE.least, LARGE_SIDE.most)) as [number, number];
  const currency = random.weighted(currencies);
  const writing = pickWriting(random, currency);
  const goods = pickGoods(random, rows * columns);
  const cells: Cell[] = goods.map((kind, i) => ({
    row: Math.floor(i / columns) + 1,
    column: (i % columns) + 1,
    kind,
    ...pickPrice(random, writing, columns >= NARROW, false),
  }));
  const names = random.weighted<NameStyle>([
    ["none", 5],
    ["zh", 2],
    ["en", columns < NARROW ? 2 : 0],
  ]);
  const unit = currency === "¥" || currency === "" ? "斤" : currency === "$" ? "lb" : "kg";
  return { scene: "board", layout: "grid", rows, columns, cells, currency, unit, unitShown: "no", title: null, names };
}
