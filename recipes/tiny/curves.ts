/** @file Keeps the metrics of runs, draws them and says how long they took: `tsx -C flashvl-source recipes/tiny/curves.ts 2-chat=RUN 2-chat-seed-11=RUN`; without arguments it only draws. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Chart, type Curve, chartSvg, chartsOf, type MetricsRow, readMetrics } from "flashvl/train";

const FOLDER = join(import.meta.dirname, "curves");
const EXTENSION = ".jsonl";
/** Steps that one kept row is the mean of: a curve of a run of thousands is a file of some tens of kilobytes. */
const WINDOW = 10;
/** The training loss of a step says little; curves show the mean of so many kept rows. */
const SMOOTHED = 5;

/**
 * Means of every number over windows of steps, and the minutes so far; a window ends early at a validation, whose numbers it
 * keeps.
 */
function thinned(rows: readonly MetricsRow[]): MetricsRow[] {
  const kept: MetricsRow[] = [];
  let window: MetricsRow[] = [];
  let milliseconds = 0;
  for (const row of rows) {
    window.push(row);
    milliseconds += row.step_ms ?? 0;
    if (window.length < WINDOW && !("eval_loss" in row) && row !== rows.at(-1)) continue;
    const mean = (key: string) => {
      const values = window.flatMap((one) => one[key] ?? []);
      return Number((values.reduce((sum, value) => sum + value, 0) / values.length).toPrecision(4));
    };
    const names = Object.keys(row).filter((key) => !["wait_ms", "step_ms"].includes(key));
    const means = Object.fromEntries(names.map((key) => [key, mean(key)]));
    kept.push({ ...means, step: row.step, minutes: Number((milliseconds / 60_000).toPrecision(3)) });
    window = [];
  }
  return kept;
}

function smoothed({ label, points }: Curve): Curve {
  const mean = (i: number) => {
    const near = points.slice(Math.max(0, i - SMOOTHED + 1), i + 1);
    return near.reduce((sum, { value }) => sum + value, 0) / near.length;
  };
  return { label, points: points.map(({ step }, i) => ({ step, value: mean(i) })) };
}

/** The charts of one run below each other. */
function draw(rows: readonly MetricsRow[]): string {
  const charts = chartsOf(rows)
    .filter(({ title }) => !["trained tokens per step", "gradient norm"].includes(title))
    .map(({ title, curves }: Chart) => ({ title, curves: curves.map((c) => (c.points.length > 50 ? smoothed(c) : c)) }))
    .map(chartSvg);
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(charts[0]!)!.map(Number) as [number, number, number];
  const placed = charts.map((svg, i) =>
    svg.replace("<svg ", `<svg x="0" y="${i * height}" width="${width}" height="${height}" `),
  );
  const total = height * charts.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}"><rect width="${width}" height="${total}" fill="#fff"/>\n${placed.join("\n")}\n</svg>\n`;
}

for (const argument of process.argv.slice(2)) {
  const [name, run] = argument.split(/=(.*)/s);
  if (!name || !run) throw new Error(`${argument} is not NAME=RUN, a name and the folder of a run`);
  const lines = thinned(await readMetrics(run)).map((row) => JSON.stringify(row));
  writeFileSync(join(FOLDER, `${name}${EXTENSION}`), `${lines.join("\n")}\n`);
}
for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(EXTENSION))) {
  const text = readFileSync(join(FOLDER, file), "utf8").trimEnd();
  const rows = text.split("\n").map((line) => JSON.parse(line) as MetricsRow);
  writeFileSync(join(FOLDER, file.replace(EXTENSION, ".svg")), draw(rows));
  const { step, minutes } = rows.at(-1)!;
  console.log(`${file.replace(EXTENSION, "")}: ${step} steps, ${minutes} minutes`);
}
