/** @file The accuracy table of multiple-choice sets: a row per split, a column per ability (VLMEvalKit `report_acc`). */
import { npMean } from "../python/np-mean.ts";
import { distinct, type Table } from "./table.ts";

/** One scored row as the table needs it. */
export interface HitRow {
  hit: number;
  cells: Readonly<Record<string, string | null>>;
}

/** MMBench's abilities appear under short names. */
const ABILITY_NAMES = new Map<string, string>(
  Object.entries({
    coarse_perception: "CP",
    "finegrained_perception (instance-level)": "FP-S",
    "finegrained_perception (cross-instance)": "FP-C",
    logic_reasoning: "LR",
    relation_reasoning: "RR",
    attribute_reasoning: "AR",
  }),
);

/**
 * Fractions 0..1; a combination without rows is NaN. Without a `split` column there is one row, `none`.
 * @example reportAccuracy([{ hit: 1, cells: { category: "ocr" } }]).rows[0] // { split: "none", Overall: 1, ocr: 1 }
 */
export function reportAccuracy(rows: readonly HitRow[]): Table {
  const hasSplit = rows.some((row) => "split" in row.cells);
  const splitOf = (row: HitRow) => (hasSplit ? row.cells.split : "none");
  const splits = distinct(rows, splitOf);
  const columns = ["split", "Overall"];
  const out = splits.map((split) => ({ split }) as Table["rows"][number]);
  const fill = (name: string, chosen: readonly HitRow[]) => {
    for (const row of out) {
      row[name] = npMean(chosen.filter((candidate) => splitOf(candidate) === row.split).map(({ hit }) => hit));
    }
  };
  fill("Overall", rows);
  for (const group of ["l2-category", "category"]) {
    for (const ability of distinct(rows, (row) => row.cells[group]).sort(byCodePoint)) {
      const name = ABILITY_NAMES.get(ability) ?? ability;
      if (!columns.includes(name)) columns.push(name);
      fill(
        name,
        rows.filter((row) => row.cells[group] === ability),
      );
    }
  }
  return { columns, rows: out };
}

/** Python's order of texts. */
export function byCodePoint(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
