/** @file Tells the user which rows of a data file are left out, without burying the training's own lines. */

import type { DroppedRow } from "./shuffled-rows.ts";

/** The rest is only counted. */
const NAMED_ROWS = 10;

/** Prints the first rows that are left out; `summary` tells how many there were. */
export function reportDropped(print: (line: string) => void) {
  const counts = { "too long": 0, bad: 0 };
  return {
    onDropped({ place, kind, reason }: DroppedRow) {
      counts[kind]++;
      const all = counts["too long"] + counts.bad;
      if (all <= NAMED_ROWS) print(`left out ${place} (${kind}): ${reason}`);
      if (all === NAMED_ROWS) print("further rows that are left out are only counted");
    },
    summary() {
      const all = counts["too long"] + counts.bad;
      if (all > 0) print(`left out ${all} rows: ${counts["too long"]} too long, ${counts.bad} bad`);
    },
  };
}
