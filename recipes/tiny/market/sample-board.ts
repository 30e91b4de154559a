/** @file Decides what a picture shows, without drawing it. */

import type { Board, Cell, NameStyle, OtherPicture, PlainPicture, PriceBoard, Unit } from "./board.ts";
import { MAX_COLUMNS, MAX_ROWS } from "./board-limits.ts";
import { kinds } from "./kinds.ts";
import { createRandom, type Random } from "./random.ts";
import { sampleWideBoard } from "./sample-wide-board.ts";
import type { World } from "./splits.ts";
import { colours, shapes, things } from "./things.ts";
import { titles, unitTitles } from "./titles.ts";

export interface SampleBoardOptions {
  /** Which world the board is of; "first" when left out. */
  world?: World;
  /** What kind of picture; mostly price boards when left out. */
  scene?: Board["scene"];
  /** Whether prices of the wide world go beyond 999. Default true. */
  thousands?: boolean;
  /** Grid size of a price board; random when left out. */
  rows?: number;
  columns?: number;
}

/**
 * The content of one picture. The same seed and options give the same board.
 * @throws RangeError for a grid larger than the model can read
 * @example const board = sampleBoard(7, { scene: "board", rows: 2, columns: 3 });
 */
export function sampleBoard(seed: number, options: SampleBoardOptions = {}): Board {
  for (const [name, size, most] of [
    ["rows", options.rows, MAX_ROWS],
    ["columns", options.columns, MAX_COLUMNS],
  ] as const) {
    if (size !== undefined && !(Number.isInteger(size) && size >= 1 && size <= most)) {
      throw new RangeError(`A board has 1 to ${most} ${name}, but ${size} were asked for.`);
    }
  }
  const random = createRandom(seed, 1);
  const scene = random.weighted([
    ["board", 87],
    ["plain", 6],
    ["other", 7],
  ] as const);
  switch (options.scene ?? scene) {
    case "board":
      return options.world === "wide" ? sampleWideBoard(random, options) : samplePriceBoard(random, options);
    case "plain":
      return samplePlainPicture(random);
    case "other":
      return sampleOtherPicture(random);
  }
}

function samplePriceBoard(random: Random, options: SampleBoardOptions): PriceBoard {
  const layout =
    options.rows || options.columns
      ? "grid"
      : random.weighted([
          ["grid", 4],
          ["shelf", 1],
        ] as const);
  const rows =
    options.rows ??
    random.weighted([
      [1, 3],
      [2, 5],
      [3, 5],
    ] as const);
  const columns =
    options.columns ??
    random.weighted([
      [1, 1],
      [2, 3],
      [3, 5],
      [4, 4],
      [5, 3],
    ] as const);
  const lengths = Array.from({ length: rows }, () =>
    layout === "grid" ? columns : Math.min(MAX_COLUMNS, Math.max(1, columns + random.integer(-1, 1))),
  );
  const total = lengths.reduce((a, b) => a + b, 0);
  const goods = random.sample(kinds, total);
  const empty = new Set(
    total >= 3 && random.chance(0.15) ? random.sample([...Array(total).keys()], random.integer(1, 2)) : [],
  );
  const dollar = random.chance(0.12);
  const samplePrice = priceSampler(random, Math.max(...lengths) >= MAX_COLUMNS);
  const cells: Cell[] = [];
  for (const [r, length] of lengths.entries()) {
    for (let c = 0; c < length; c++) {
      const index = cells.length;
      const place = { row: r + 1, column: c + 1 };
      if (empty.has(index)) cells.push({ ...place, kind: null, cents: 0, price: "" });
      else cells.push({ ...place, kind: goods[index]!.id, ...samplePrice() });
    }
  }
  const width = Math.max(...lengths);
  const names = random.weighted<NameStyle>([
    ["none", 6.5],
    ["zh", 2.2],
    ["en", 1],
    ["both", 0.5],
  ]);
  const unitShown = random.weighted([
    ["tag", width <= 4 ? 4 : 1],
    ["title", 2],
    ["no", 4],
  ] as const);
  // A unit that is written nowhere must be the one that goes without saying.
  const usual: Unit = dollar ? "lb" : "斤";
  const unit: Unit =
    unitShown === "no"
      ? usual
      : dollar
        ? random.pick(["lb", "kg"] as const)
        : random.weighted([
            ["斤", 5],
            ["公斤", 2],
            ["kg", 2],
          ] as const);
  let title: string | null = null;
  if (unitShown === "title") title = random.pick(unitTitles[unit]!);
  else if (random.chance(0.15)) title = random.pick(titles);
  return {
    scene: "board",
    layout,
    rows,
    columns: width,
    cells,
    currency: dollar ? "$" : "¥",
    unit,
    unitShown,
    title,
    names: width > 4 && names === "both" ? "zh" : names,
  };
}

/** Prices of one board look alike: the number of decimals is mostly the same. */
function priceSampler(random: Random, narrow: boolean): () => { cents: number; price: string } {
  const usual = random.weighted([
    [0, 1],
    [1, 6],
    [2, 3],
  ] as const);
  return () => {
    let decimals = random.chance(0.8) ? usual : random.pick([0, 1, 2]);
    const tens = random.chance(0.35);
    // On a narrow cell five characters and the currency do not fit at a legible size.
    if (narrow && tens) decimals = Math.min(decimals, 1);
    const whole = tens ? random.integer(10, 99) : random.integer(0, 9);
    let fraction =
      decimals === 0
        ? 0
        : decimals === 1
          ? random.integer(0, 9) * 10
          : random.pick([random.integer(0, 99), 50, 80, 90, 99, 98]);
    // Nothing is sold for almost nothing.
    if (whole === 0 && fraction < 30) {
      decimals = Math.max(1, decimals);
      fraction = random.integer(3, 9) * 10;
    }
    const cents = whole * 100 + fraction;
    return { cents, price: (cents / 100).toFixed(decimals) };
  };
}

function samplePlainPicture(random: Random): PlainPicture {
  const palette = random.sample(colours);
  const background = palette.pop()!.id;
  const withNumber = random.chance(0.4);
  const count = withNumber ? random.integer(0, 2) : random.integer(1, 5);
  const forms = random.sample(shapes, count);
  return {
    scene: "plain",
    background,
    shapes: forms.map((shape) => ({ shape: shape.id, colour: palette.pop()!.id })),
    number: withNumber
      ? { digits: String(random.integer(0, 10 ** random.integer(1, 4) - 1)), colour: palette.pop()!.id }
      : null,
  };
}

function sampleOtherPicture(random: Random): OtherPicture {
  if (random.chance(0.4)) return { scene: "other", thing: null, count: 0 };
  return {
    scene: "other",
    thing: random.pick(things).id,
    count: random.weighted([
      [1, 5],
      [2, 1],
      [3, 1],
    ] as const),
  };
}
