/** @file Measures the stages of the small model on the market and writes the table: `tsx recipes/tiny/evaluate.ts --stage "base=FOLDER" --stage "+ SFT=FOLDER"`. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FlashVL, type Preset } from "../../src/engine/index.ts";
import {
  type Bench,
  bootstrapInterval,
  evaluate,
  flashvlAnswerer,
  OWN_TABLE_FILE,
  type OwnTable,
  openBench,
  runFolder,
} from "../../src/eval/index.ts";
import { constantAnswers, DEFAULT_RULES, families, type MetricUnit, marketTask } from "../../src/tasks/index.ts";
import { RESULTS_FILE, REWARDED, writeTables } from "./tables.ts";

const { values } = parseArgs({
  options: {
    /** NAME=FOLDER, in the order of the table's columns; the last one is what ships. */
    stage: { type: "string", multiple: true, default: [] },
    /** Other precisions of the last stage. */
    preset: { type: "string", multiple: true, default: ["int8", "int4"] },
    /** Only the first rows of each part; the whole part when left out. */
    limit: { type: "string" },
    out: { type: "string", default: join(import.meta.dirname, "../../runs/tiny/eval") },
    threads: { type: "string" },
  },
});
const limit = values.limit === undefined ? undefined : Number(values.limit);
const MAX_NEW_TOKENS = 256;
const BATCH = 16;
/** Parts of the market, each with what README calls it. */
const PARTS = {
  market: "test pictures",
  "market/held-out-fonts": "fonts never seen in training",
  "market/held-out-art": "drawings never seen in training",
  "market/other": "pictures of other things",
  "market/blind": "without the picture",
} as const;

/** A column of the table that the model brings along, and what its title was made from. */
type Column = OwnTable["columns"][number] & { stage: string; preset: string };
type Cell = Column["cells"][number];

function titleOf(stage: string, part: keyof typeof PARTS, preset: string): string {
  if (part !== "market") return `${stage}, ${PARTS[part]}`;
  return preset === "fp32" ? stage : `${stage}, ${preset}`;
}

/** The families that stage 3 rewards, taken together; nothing where none of them was asked. */
function rewarded(run: string): Cell[] {
  const metrics = JSON.parse(readFileSync(join(run, "units.json"), "utf8")) as { name: string; units: MetricUnit[] }[];
  const units = metrics
    .filter(({ name }) => REWARDED.families.some((f) => name === `family ${f}`))
    .flatMap((metric) => metric.units);
  return units.length > 0 ? [cellOf(REWARDED.name, units)] : [];
}

function cellOf(name: string, units: MetricUnit[]): Cell {
  const mean = (100 * units.reduce((sum, unit) => sum + unit.value, 0)) / units.length;
  return {
    name,
    value: mean,
    interval: bootstrapInterval({ combine: "mean", units }),
    count: units.length,
  };
}

async function measure(stage: string, folder: string, part: keyof typeof PARTS, preset: Preset): Promise<Column> {
  const { bench, close } = await openBench(part);
  await using model = await FlashVL.fromPretrained(folder, {
    preset,
    maxBatch: BATCH,
    threads: values.threads === undefined ? undefined : Number(values.threads),
  });
  const answerer = flashvlAnswerer(model, { batch: BATCH, maxNewTokens: MAX_NEW_TOKENS });
  const out = join(values.out!, stage.replace(/[^\w-]+/g, "_"), preset);
  const result = await evaluate(bench as Bench, answerer, {
    out,
    rules: DEFAULT_RULES,
    judge: null,
    html: false,
    format: "json",
    limit,
  });
  close();
  if (!result) throw new Error(`${stage} on ${part}: some questions have no answer; see ${out}`);
  const cells = result.metrics.map((m) => ({ name: m.name, value: m.value!, interval: m.interval, count: m.count }));
  cells.push(...rewarded(runFolder(out, result.model, result.dataset)));
  console.log(stage, part, preset, cells.map((c) => `${c.name} ${c.value.toFixed(1)}`).join(" · "));
  return { title: titleOf(stage, part, preset), stage, part: result.dataset, preset, cells };
}

/** Always the answer that was right most often in training, for the type of question at hand. */
async function constantColumn(): Promise<Column> {
  const guess = constantAnswers();
  const task = marketTask();
  const scored: { id: string; family: string; value: number }[] = [];
  for await (const row of task.rows()) {
    if (limit !== undefined && scored.length >= limit) break;
    scored.push({ id: row.id, family: String(row.family), value: task.score(row, guess(row)).value });
  }
  const of = (name: string, wanted: readonly number[]): Cell =>
    cellOf(
      name,
      scored.filter((row) => wanted.includes(Number(row.family))),
    );
  const cells = [
    of("Overall", families),
    ...families.map((f) => of(`family ${f}`, [f])),
    of(REWARDED.name, REWARDED.families),
  ];
  const title = "most frequent answer";
  return { title, stage: title, part: task.name, preset: "–", cells };
}

const stages = values.stage!.map((text) => {
  const [name, ...folder] = text.split("=");
  if (!name || folder.length === 0) throw new Error(`--stage "${text}" is not NAME=FOLDER`);
  return { name, folder: folder.join("=") };
});
const last = stages.at(-1);
if (!last) throw new Error('name at least one stage: --stage "base=runs/tiny/1-describe/last"');

const columns: Column[] = [await constantColumn()];
columns.push(await measure(last.name, last.folder, "market/blind", "fp32"));
for (const { name, folder } of stages) columns.push(await measure(name, folder, "market", "fp32"));
for (const part of ["market/held-out-fonts", "market/held-out-art", "market/other"] as const)
  columns.push(await measure(last.name, last.folder, part, "fp32"));
for (const preset of values.preset!) columns.push(await measure(last.name, last.folder, "market", preset as Preset));

const results = { limit: limit ?? null, columns };
const text = `${JSON.stringify(results, null, 1)}\n`;
writeFileSync(RESULTS_FILE, text);
// The last stage brings its table along: `flashvl eval market` prints it beside whatever it measures.
writeFileSync(join(last.folder, OWN_TABLE_FILE), text);
writeTables(results);
