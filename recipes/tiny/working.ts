/** @file How many answers show their working, and how many of each kind are right: `tsx -C flashvl-source recipes/tiny/working.ts RUN...`, folders that `evaluate.ts` left, such as runs/tiny/eval/_GRPO/fp32/last/market_test. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** What a chain has that does more than read: larger or smaller, counted or not, dearer or cheaper. By family. */
const WORKING = { 3: /[+-]|:\d/, 4: /[<>]|dearer|cheaper|贵|便宜/ } as const;

interface Answer {
  key: string;
  text: string;
  value: number;
  completionTokens: number;
}

/** The answers of a run with their scores and lengths: three files, a line of JSON each. */
function readRun(folder: string): Answer[] {
  const found = new Map<string, Partial<Answer>>();
  for (const file of ["answers.jsonl", "scores.jsonl", "times.jsonl"])
    for (const line of readFileSync(join(folder, file), "utf8").trim().split("\n")) {
      const record = JSON.parse(line) as Answer;
      found.set(record.key, { ...found.get(record.key), ...record });
    }
  return [...found.values()] as Answer[];
}

const mean = (values: readonly number[]): string =>
  values.length === 0 ? "-" : (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(3);

for (const folder of parseArgs({ allowPositionals: true }).positionals) {
  const answers = readRun(folder);
  for (const family of [3, 4] as const) {
    // Keys are split, picture, family, number.
    const own = answers.filter(({ key }) => key.split("-").at(-2) === String(family));
    const isWorked = ({ text }: Answer) => WORKING[family].test(/<think>(.*?)<\/think>/.exec(text)?.[1] ?? "");
    const [worked, brief] = [own.filter(isWorked), own.filter((one) => !isWorked(one))];
    console.log(
      `${folder} family ${family}: ${worked.length} of ${own.length} worked out, right ${mean(worked.map((a) => a.value))}; brief ${brief.length}, right ${mean(brief.map((a) => a.value))}; tokens ${mean(own.map((a) => a.completionTokens))}`,
    );
  }
}
