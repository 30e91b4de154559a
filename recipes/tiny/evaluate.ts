/**
 * @file Measures the stages of the small model on the market and writes the tables:
 * `tsx -C flashvl-source recipes/tiny/evaluate.ts --stage "base=FOLDER" --stage "+ SFT=FOLDER"`; ordinary asking alone with `--part ordinary`.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FlashVL, type Preset } from "flashvl";
import {
  bootstrapInterval,
  evaluate,
  flashvlAnswerer,
  OWN_TABLE_FILE,
  type OwnTable,
  runFolder,
  taskBench,
} from "flashvl/eval";
import type { Task } from "flashvl/tasks";
import { DEFAULT_RULES, type MetricUnit } from "flashvl/vlmeval";
import { constantAnswers, families, type MarketRow } from "./market/index.ts";
import { measureOrdinary, BATCH as ORDINARY_BATCH, ordinarySets } from "./ordinary-sets.ts";
import { RESULTS_FILE, REWARDED, readOrdinary, writeOrdinary, writeTables } from "./tables.ts";
import test, { blind, heldOutArt, heldOutFonts, other } from "./tasks.ts";

const { values } = parseArgs({
  options: {
    /** NAME=FOLDER, in the order of the table's rows; the last one is what ships. */
    stage: { type: "string", multiple: true, default: [] },
    /** Other precisions of the last stage. */
    preset: { type: "string", multiple: true, default: ["int8", "int4"] },
    /** Only the first rows of each part; the whole part when left out. */
    limit: { type: "string" },
    /** "market", the families' questions, for every stage; "ordinary" for the last one, beside what others had there. */
    part: { type: "string", multiple: true, default: ["market", "ordinary"] },
    /** Sets of ordinary asking to measure, by a part of their titles; all when left out. */
    only: { type: "string", multiple: true },
    out: { type: "string", default: join(import.meta.dirname, "../../runs/tiny/eval") },
    threads: { type: "string" },
  },
});
const limit = values.limit === undefined ? undefined : Number(values.limit);
const MAX_NEW_TOKENS = 256;
const BATCH = 16;
/** Parts of the market beside the test pictures, each with what README calls it. */
const TITLES = new Map([
  [heldOutFonts, "fonts never seen in training"],
  [heldOutArt, "drawings never seen in training"],
  [other, "pictures of other things"],
  [blind, "without the picture"],
]);

/** A column of the table that the model brings along, and what its title was made from. */
type Column = OwnTable["columns"][number] & { stage: string; preset: string };
type Cell = Column["cells"][number];

function titleOf(stage: string, task: Task<MarketRow>, preset: string): string {
  if (task !== test) return `${stage}, ${TITLES.get(task)}`;
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

async function measure(stage: string, folder: string, task: Task<MarketRow>, preset: Preset): Promise<Column> {
  await using model = await FlashVL.fromPretrained(folder, {
    preset,
    maxBatch: BATCH,
    threads: values.threads === undefined ? undefined : Number(values.threads),
  });
  const answerer = flashvlAnswerer(model, { batch: BATCH, maxNewTokens: MAX_NEW_TOKENS });
  const out = join(values.out!, stage.replace(/[^\w-]+/g, "_"), preset);
  const result = await evaluate(taskBench(task), answerer, {
    out,
    rules: DEFAULT_RULES,
    judge: null,
    html: false,
    format: "json",
    limit,
  });
  if (!result) throw new Error(`${stage} on ${task.name}: some questions have no answer; see ${out}`);
  const cells = result.metrics.map((m) => ({ name: m.name, value: m.value!, interval: m.interval, count: m.count }));
  cells.push(...rewarded(runFolder(out, result.model, result.dataset)));
  console.log(stage, task.name, preset, cells.map((c) => `${c.name} ${c.value.toFixed(1)}`).join(" · "));
  return { title: titleOf(stage, task, preset), stage, part: result.dataset, preset, cells };
}

/** Always the answer that was right most often in training, for the type of question at hand. */
async function constantColumn(): Promise<Column> {
  const guess = constantAnswers();
  const scored: { id: string; family: string; value: number }[] = [];
  for await (const row of test.rows()) {
    if (limit !== undefined && scored.length >= limit) break;
    scored.push({ id: row.id, family: String(row.family), value: (await test.score(row, guess(row))).value });
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
  return { title, stage: title, part: test.name, preset: "–", cells };
}

const stages = values.stage!.map((text) => {
  const [name, ...folder] = text.split("=");
  if (!name || folder.length === 0) throw new Error(`--stage "${text}" is not NAME=FOLDER`);
  return { name, folder: folder.join("=") };
});
const last = stages.at(-1);
if (!last) throw new Error('name at least one stage: --stage "base=runs/tiny/1-describe/last"');

async function measureMarket(shipped: { name: string; folder: string }): Promise<void> {
  const columns: Column[] = [await constantColumn()];
  columns.push(await measure(shipped.name, shipped.folder, blind, "fp32"));
  for (const { name, folder } of stages) columns.push(await measure(name, folder, test, "fp32"));
  for (const task of [heldOutFonts, heldOutArt, other])
    columns.push(await measure(shipped.name, shipped.folder, task, "fp32"));
  for (const preset of values.preset!)
    columns.push(await measure(shipped.name, shipped.folder, test, preset as Preset));
  const results = { limit: limit ?? null, columns };
  const text = `${JSON.stringify(results, null, 1)}\n`;
  writeFileSync(RESULTS_FILE, text);
  // The last stage brings its table along: `flashvl eval recipes/tiny/tasks.ts` prints it beside whatever it measures.
  writeFileSync(join(shipped.folder, OWN_TABLE_FILE), text);
}

/** Ordinary asking; rows that were not measured now stay as they were. */
async function measureOrdinarily({ name, folder }: { name: string; folder: string }): Promise<void> {
  await using model = await FlashVL.fromPretrained(folder, {
    preset: "fp32",
    maxBatch: ORDINARY_BATCH,
    threads: values.threads === undefined ? undefined : Number(values.threads),
  });
  const out = join(values.out!, name.replace(/[^\w-]+/g, "_"), "ordinary");
  const rows = await measureOrdinary(model, { out, limit, only: values.only });
  const models = readOrdinary();
  const before = models.find((one) => one.stage === name);
  const merged = ordinarySets().flatMap(
    ({ title }) => [...rows, ...(before?.rows ?? [])].find((row) => row.title === title) ?? [],
  );
  const measured = { stage: name, limit: limit ?? null, rows: merged };
  writeOrdinary(before ? models.map((one) => (one === before ? measured : one)) : [...models, measured]);
}

if (values.part!.includes("market")) await measureMarket(last);
if (values.part!.includes("ordinary")) await measureOrdinarily(last);
writeTables();
