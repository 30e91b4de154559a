/** @file Decides what a price board of the wide world shows: any currency, prices from 0.1 to thousands, written in any way. */

import type { Cell, NameStyle, PriceBoard, Unit } from "./board.ts";
import { MAX_COLUMNS } from "./board-limits.ts";
import { kinds } from "./kinds.ts";
import type { Random } from "./random.ts";
import { titles, unitTitles } from "./titles.ts";

/** What stands before the digits, and how often; nothing where the board shows no currency. */
export const currencies: readonly (readonly [string, number])[] = [
  ["¥", 40],
  ["$", 16],
  ["€", 12],
  ["£", 7],
  ["", 17],
  ["R$", 1],
  ["CHF", 1],
  ["kr", 1],
  ["RM", 1],
  ["Rs", 1],
];
/** Where decimals mostly follow a comma. */
const commaCurrencies: ReadonlySet<string> = new Set(["€", "R$", "kr"]);

/** How the prices of a board are written. */
export interface PriceWriting {
  decimals: 0 | 1 | 2;
  decimalSign: "." | ",";
  /** What stands between thousands. */
  thousands: "" | "," | "." | " ";
}

export function pickWriting(random: Random, currency: string): PriceWriting {
  const comma = random.chance(commaCurrencies.has(currency) ? 0.7 : 0.04);
  return {
    decimals: random.weighted([
      [0, 3],
      [1, 4],
      [2, 4],
    ] as const),
    decimalSign: comma ? "," : ".",
    thousands: comma ? random.pick(["", ".", " "] as const) : random.pick(["", ",", " "] as const),
  };
}

/** From 0.1 up, evenly over numbers of digits, less often the longer they are. @param thousand whether prices from 1,000 come too */
export function pickPrice(
  random: Random,
  { decimals, decimalSign, thousands }: PriceWriting,
  narrow: boolean,
  thousand: boolean,
) {
  const whole = random.weighted([
    [0, 9],
    [random.integer(1, 9), 34],
    [random.integer(10, 99), 33],
    [random.integer(100, 999), 22],
    [random.integer(1000, 9999), narrow || !thousand ? 0 : 2],
  ]);
  let shown: number = random.chance(0.85) ? decimals : random.integer(0, 2);
  // Five digits and a currency are not legible in a narrow cell.
  if (whole >= 1000) shown = 0;
  else if (narrow && whole >= 100) shown = 0;
  else if (narrow && whole >= 10) shown = Math.min(shown, 1);
  if (whole === 0) shown = Math.max(1, shown);
  let fraction =
    shown === 0
      ? 0
      : shown === 1
        ? random.integer(0, 9) * 10
        : random.pick([random.integer(0, 99), 50, 80, 90, 95, 99, 98]);
  if (whole === 0 && fraction < 10) fraction = random.integer(1, 9) * 10;
  const cents = whole * 100 + fraction;
  const price = (cents / 100).toFixed(shown);
  const [head, tail] = price.split(".") as [string, string?];
  const grouped = head.length > 3 ? `${head.slice(0, -3)}${thousands}${head.slice(-3)}` : head;
  const written = tail === undefined ? grouped : `${grouped}${decimalSign}${tail}`;
  return { cents, price, ...(written !== price && { written }) };
}

/** The content of one board; options as for `sampleBoard`. */
export function sampleWideBoard(
  random: Random,
  options: { rows?: number; columns?: number; thousands?: boolean },
): PriceBoard {
  const layout = options.rows || options.columns || random.chance(0.85) ? "grid" : "shelf";
  const rows =
    options.rows ??
    random.weighted([
      [1, 4],
      [2, 5],
      [3, 4],
    ] as const);
  const columns =
    options.columns ??
    random.weighted([
      [1, 2],
      [2, 4],
      [3, 5],
      [4, 3],
      [5, 1.5],
    ] as const);
  const lengths = Array.from({ length: rows }, () =>
    layout === "grid" ? columns : Math.min(MAX_COLUMNS, Math.max(1, columns + random.integer(-1, 1))),
  );
  const width = Math.max(...lengths);
  const total = lengths.reduce((a, b) => a + b, 0);
  const goods = random.sample(kinds, total);
  const empty = new Set(
    total >= 3 && random.chance(0.08) ? random.sample([...Array(total).keys()], random.integer(1, 2)) : [],
  );
  const currency = random.weighted(currencies);
  const writing = pickWriting(random, currency);
  const cells: Cell[] = lengths.flatMap((length, r) =>
    Array.from({ length }, (_, c): Cell => ({ row: r + 1, column: c + 1, kind: null, cents: 0, price: "" })),
  );
  for (const [i, cell] of cells.entries())
    if (!empty.has(i))
      Object.assign(cell, { kind: goods[i]!.id, ...pickPrice(random, writing, width >= 4, options.thousands ?? true) });
  const unitShown = random.weighted([
    ["tag", width <= 3 ? 2.5 : 0.5],
    ["title", 1],
    ["no", 6],
  ] as const);
  const chinese = currency === "¥" || currency === "";
  // A unit that is written nowhere must be the one that goes without saying.
  const usual: Unit = chinese ? "斤" : currency === "$" ? "lb" : "kg";
  const others: readonly Unit[] = chinese ? ["斤", "斤", "公斤", "kg"] : ["lb", "kg"];
  const unit = unitShown === "no" ? usual : random.pick(others);
  const title =
    unitShown === "title" ? random.pick(unitTitles[unit]!) : random.chance(0.12) ? random.pick(titles) : null;
  const names = random.weighted<NameStyle>([
    ["none", 7],
    ["zh", width > 4 ? 0 : 1.2],
    ["en", 1.2],
    ["both", width > 2 ? 0 : 0.5],
  ]);
  return { scene: "board", layout, rows, columns: width, cells, currency, unit, unitShown, title, names };
}
