/** @file Which digits of prices are read as which: `tsx -C flashvl-source recipes/tiny/digit-confusion.ts RUN...`, folders that `evaluate.ts` left, such as runs/tiny/eval/NAME/ordinary/MODEL/ordinary_cells_plain-system. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** What a score says that was read and expected, both in hundredths. */
const VERDICT = /^read \[([\d.,]*)\], expected ([\d.]+)$/;
/** What a wrong price is, beside a digit for another. */
type Fault = "none or several" | "other length" | "other point" | "several digits";

const confused = new Map<string, number>();
const faults = new Map<Fault, number>();
let [prices, right] = [0, 0];
const count = <K>(map: Map<K, number>, key: K) => map.set(key, (map.get(key) ?? 0) + 1);

/** The digits without zeros at the end, which only say how a price is written. */
const digitsOf = (cents: string): string => cents.replace(/0+$/, "");

function compare(gold: string, said: string): void {
  const [a, b] = [digitsOf(gold), digitsOf(said)];
  if (a === b) count(faults, "other point");
  else if (a.length !== b.length) count(faults, "other length");
  else {
    const wrong = [...a].flatMap((digit, i) => (digit === b[i] ? [] : [`${digit} as ${b[i]}`]));
    if (wrong.length > 1) count(faults, "several digits");
    for (const pair of wrong) count(confused, pair);
  }
}

for (const folder of parseArgs({ allowPositionals: true }).positionals)
  for (const line of readFileSync(join(folder, "scores.jsonl"), "utf8").trim().split("\n")) {
    const { extracted, correct } = JSON.parse(line) as { extracted: string; correct: boolean };
    const verdict = VERDICT.exec(extracted);
    if (!verdict) continue;
    prices++;
    const [, said, gold] = verdict as unknown as [string, string, string];
    if (correct) right++;
    else if (said === "" || said.includes(",")) count(faults, "none or several");
    else compare(gold, said);
  }

const ranked = <K>(map: Map<K, number>) =>
  [...map].sort((a, b) => b[1] - a[1]).map(([key, times]) => `${key}: ${times}`);
console.log(`${right} of ${prices} prices right`);
console.log(ranked(faults).join(", "));
console.log(`digits, as they stand and as they were read: ${ranked(confused).join(", ")}`);
