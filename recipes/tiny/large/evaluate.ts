/** @file Measures models on large boards and on the small worlds, and writes the table of RESULTS.md: `tsx -C flashvl-source recipes/tiny/large/evaluate.ts --model static=FOLDER --model dynamic=FOLDER --model iss=FOLDER`. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FlashVL } from "flashvl";
import {
  bootstrapInterval,
  evaluate,
  flashvlAnswerer,
  type Interval,
  markdownTable,
  runFolder,
  showCell,
  taskBench,
} from "flashvl/eval";
import type { Task } from "flashvl/tasks";
import { DEFAULT_RULES, type MetricUnit } from "flashvl/vlmeval";
import { marketTask } from "../market/index.ts";
import { largeTask, PLACES, SIZES } from "./tasks.ts";

const { values } = parseArgs({
  options: {
    /** NAME=FOLDER, in the order of the table. */
    model: { type: "string", multiple: true, default: [] },
    pictures: { type: "string", default: "200" },
    /** Tiles that each model may use, where another number than it was trained with is tried. */
    "max-tiles": { type: "string" },
    out: { type: "string", default: join(import.meta.dirname, "../../../runs/large/eval") },
    threads: { type: "string" },
  },
});
const FILE = join(import.meta.dirname, "results.json");
const RESULTS = join(import.meta.dirname, "../RESULTS.md");

interface Cell {
  value: number | null;
  interval: Interval | null;
  count: number;
}
interface Row {
  model: string;
  overall: Cell;
  places: Cell[];
  sizes: Cell[];
  small: Cell;
  tokens: number;
  firstTokenMs: number;
}

function cellOf(units: readonly MetricUnit[]): Cell {
  if (units.length === 0) return { value: null, interval: null, count: 0 };
  const value = (100 * units.reduce((sum, unit) => sum + unit.value, 0)) / units.length;
  return { value, interval: bootstrapInterval({ combine: "mean", units: [...units] }), count: units.length };
}

async function unitsOf<Question>(model: FlashVL, task: Task<Question>, out: string) {
  const answerer = flashvlAnswerer(model, { batch: 8, maxNewTokens: 96 });
  const options = { out, rules: DEFAULT_RULES, judge: null, html: false, format: "json" } as const;
  const result = await evaluate(taskBench(task), answerer, options);
  if (!result) throw new Error(`${task.name}: some questions have no answer; see ${out}`);
  const file = join(runFolder(out, result.model, result.dataset), "units.json");
  return JSON.parse(readFileSync(file, "utf8")) as { name: string; units: MetricUnit[] }[];
}

/** Time to the first token of questions about pictures that were not seen before, and their tokens: medians. */
async function costs(model: FlashVL): Promise<Pick<Row, "tokens" | "firstTokenMs">> {
  const [times, tokens]: number[][] = [[], []];
  let before: unknown;
  for await (const { image, question } of largeTask(12).rows()) {
    if (image === before) continue;
    before = image;
    const { timings, usage } = await model.generate(image, [{ role: "user", content: question }], { maxNewTokens: 1 });
    times!.push(timings.timeToFirstTokenMs);
    tokens!.push(usage.imageTokens);
  }
  const median = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
  return { tokens: median(tokens!), firstTokenMs: median(times!) };
}

async function measure(name: string, folder: string): Promise<Row> {
  const maxTiles = values["max-tiles"] === undefined ? undefined : Number(values["max-tiles"]);
  const threads = values.threads === undefined ? undefined : Number(values.threads);
  await using model = await FlashVL.fromPretrained(folder, { preset: "fp32", maxBatch: 8, maxTiles, threads });
  const out = join(values.out!, name);
  const metrics = await unitsOf(model, largeTask(Number(values.pictures)), out);
  const units = metrics.filter((metric) => metric.name !== "Overall" && metric.name.includes(","));
  const of = (part: string) => cellOf(units.filter((metric) => metric.name.includes(part)).flatMap((m) => m.units));
  const small = await unitsOf(model, marketTask({ families: [1, 2], pictures: 100 }), out);
  const row: Row = {
    model: name,
    overall: cellOf(metrics.find((metric) => metric.name === "Overall")!.units),
    places: PLACES.map(of),
    sizes: SIZES.map(of),
    small: cellOf(small.find((metric) => metric.name === "Overall")!.units),
    ...(await costs(model)),
  };
  console.log(name, row.overall.value?.toFixed(1), row.places.map(({ value }) => value?.toFixed(1)).join(" / "));
  return row;
}

const rows: Row[] = [];
for (const text of values.model!) {
  const [name, ...folder] = text.split("=");
  if (!name || folder.length === 0) throw new Error(`--model "${text}" is not NAME=FOLDER`);
  rows.push(await measure(name, folder.join("=")));
}
writeFileSync(FILE, `${JSON.stringify(rows, null, 1)}\n`);

const show = ({ value, interval, count }: Cell): string =>
  value === null ? "–" : `${showCell({ value, interval })} of ${count}`;
const head = [
  "",
  "overall",
  "cut by a border of plain tiles",
  "inside",
  ...SIZES,
  "small boards",
  "tokens",
  "first token",
];
const lines = rows.map((row) => [
  row.model,
  ...[row.overall, ...row.places, ...row.sizes, row.small].map(show),
  String(row.tokens),
  `${row.firstTokenMs.toFixed(0)} ms`,
]);
const section = `<!-- begin large -->
## Large boards

Percent of right answers about boards of 4 to 10 rows and columns with 95 % intervals, greedy decoding, float32; tokens a picture and first token are medians. \`recipes/tiny/large/evaluate.ts\`.

${markdownTable(head, lines).join("\n")}
<!-- end large -->`;
const text = readFileSync(RESULTS, "utf8");
const place = /<!-- begin large -->[\s\S]*<!-- end large -->/;
writeFileSync(RESULTS, place.test(text) ? text.replace(place, () => section) : `${text.trimEnd()}\n\n${section}\n`);
