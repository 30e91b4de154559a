/** @file The sets of ordinary asking with the bar that each should reach, and how a model is measured on them. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FlashVL } from "flashvl";
import {
  type Answerer,
  bootstrapInterval,
  evaluate,
  flashvlAnswerer,
  type Interval,
  runFolder,
  taskBench,
} from "flashvl/eval";
import type { Task } from "flashvl/tasks";
import { DEFAULT_RULES, type MetricUnit } from "flashvl/vlmeval";
import { missingSystemFonts } from "./market/index.ts";
import { cells, json, missing, type OrdinaryRow, others, placed, refusedRight, turns } from "./ordinary-tasks.ts";
import { paraphrases } from "./paraphrases.ts";

/** A number of the table. */
export interface SetRow {
  readonly title: string;
  /** What it should be. */
  readonly bar: string;
  readonly tasks: readonly Task<OrdinaryRow>[];
  /** Only rows of this family; all when left out. */
  readonly family?: string;
  /** Answers are held to the schemas of the rows. */
  readonly constrained?: boolean;
  /** Not measured on this machine, and why. */
  readonly skipped?: string;
}

export interface Measured {
  title: string;
  bar: string;
  /** Percent; null where it was not measured. */
  value: number | null;
  interval: Interval | null;
  count: number;
  skipped?: string;
}

/** All sets. Tasks are shared between rows that read different parts of the same answers. */
export function ordinarySets(): SetRow[] {
  const [before, after, between] = (["before", "after", "between"] as const).map((placing) => placed(placing));
  const [conversations, structured] = [turns(), json()];
  const [wide, fonts, art, plain] = (["wide-test", "wide-fonts", "wide-art", "plain-system"] as const).map((split) =>
    cells(split),
  );
  const lacking = missingSystemFonts();
  const skipped = lacking.length > 0 ? `${lacking[0]} is not installed` : undefined;
  return [
    { title: "picture first", bar: "–", tasks: [before!] },
    { title: "text first", bar: "within 1 of picture first", tasks: [after!] },
    { title: "picture between texts", bar: "within 1 of picture first", tasks: [between!] },
    { title: "turn 1", bar: "–", tasks: [conversations], family: "turn 1" },
    { title: "turns 2 to 6", bar: "within 3 of turn 1", tasks: [conversations], family: "turns 2 to 6" },
    { title: "JSON with schema, per cell, held to it", bar: "≥ 88", tasks: [structured], constrained: true },
    { title: "JSON with schema, per cell, free", bar: "–", tasks: [structured] },
    { title: "wide boards, prices", bar: "–", tasks: [wide!], family: "prices" },
    { title: "wide boards, kinds", bar: "–", tasks: [wide!], family: "kinds" },
    { title: "15 fonts never seen, prices", bar: "≥ 95", tasks: [fonts!], family: "prices" },
    { title: "15 fonts never seen, kinds", bar: "≥ 92", tasks: [fonts!], family: "kinds" },
    { title: "wide boards in drawings never seen, kinds", bar: "≥ 80", tasks: [art!], family: "kinds" },
    { title: "plain pages in system fonts, prices", bar: "≥ 92", tasks: [plain!], family: "prices", skipped },
    { title: "plain pages, drawings never seen, kinds", bar: "≥ 85", tasks: [plain!], family: "kinds", skipped },
    { title: "paraphrases written by hand", bar: "≥ 85", tasks: [paraphrases()] },
    {
      title: "other pictures told from boards",
      bar: "≥ 95",
      tasks: [others("board"), others("other"), others("plain")],
    },
    { title: "unanswerable questions refused", bar: "≥ 90", tasks: [paraphrases({ unanswerable: true }), missing()] },
    { title: "answerable questions refused", bar: "≤ 2", tasks: [refusedRight()] },
  ];
}

const MAX_NEW_TOKENS = 400;
export const BATCH = 16;

/** Answers that are held to the schemas of their rows. */
function constrained(model: FlashVL, schemas: ReadonlyMap<string, Record<string, unknown>>): Answerer {
  const free = flashvlAnswerer(model, { batch: 1, maxNewTokens: MAX_NEW_TOKENS });
  return {
    ...free,
    settings: { ...free.settings, constrained: true },
    async *answer(requests, { signal }) {
      for await (const { key, messages } of requests) {
        const started = performance.now();
        const { text, usage } = await model.generate(null, messages, {
          doSample: false,
          maxNewTokens: MAX_NEW_TOKENS,
          signal,
          schema: schemas.get(key),
        });
        yield { key, text, milliseconds: performance.now() - started, completionTokens: usage.completionTokens };
      }
    },
  };
}

/** Scores of a task's rows by family. */
async function scored(
  model: FlashVL,
  task: Task<OrdinaryRow>,
  hold: boolean,
  out: string,
  limit: number | undefined,
): Promise<{ name: string; units: MetricUnit[] }[]> {
  const schemas = new Map<string, Record<string, unknown>>();
  const seen: Task<OrdinaryRow> = {
    ...task,
    name: hold ? `${task.name}/constrained` : task.name,
    async *rows() {
      for await (const row of task.rows()) {
        if (row.schema) schemas.set(row.id, row.schema);
        yield row;
      }
    },
  };
  const answerer = hold
    ? constrained(model, schemas)
    : flashvlAnswerer(model, { batch: BATCH, maxNewTokens: MAX_NEW_TOKENS });
  const result = await evaluate(taskBench(seen), answerer, {
    out,
    rules: DEFAULT_RULES,
    judge: null,
    html: false,
    format: "json",
    limit,
  });
  if (!result) throw new Error(`${task.name}: some questions have no answer; see ${out}`);
  return JSON.parse(readFileSync(join(runFolder(out, result.model, result.dataset), "units.json"), "utf8"));
}

/**
 * Measures a model on every set; a set that cannot be drawn on this machine says so.
 * @param only titles to measure, by a part of them; all when left out
 */
export async function measureOrdinary(
  model: FlashVL,
  { out, limit, only = [] }: { out: string; limit?: number; only?: readonly string[] },
): Promise<Measured[]> {
  const known = new Map<string, { name: string; units: MetricUnit[] }[]>();
  const measured: Measured[] = [];
  for (const { title, bar, tasks, family, constrained: hold = false, skipped } of ordinarySets()) {
    if (only.length > 0 && !only.some((part) => title.includes(part))) continue;
    if (skipped !== undefined) {
      measured.push({ title, bar, value: null, interval: null, count: 0, skipped });
      continue;
    }
    const units: MetricUnit[] = [];
    for (const task of tasks) {
      const key = `${task.name} ${hold}`;
      const metrics = known.get(key) ?? (await scored(model, task, hold, out, limit));
      known.set(key, metrics);
      units.push(...(metrics.find(({ name }) => name === (family ? `family ${family}` : "Overall"))?.units ?? []));
    }
    const value = (100 * units.reduce((sum, unit) => sum + unit.value, 0)) / units.length;
    const interval = bootstrapInterval({ combine: "mean", units });
    measured.push({ title, bar, value, interval, count: units.length });
    console.log(`${title}: ${value.toFixed(1)} % of ${units.length}`);
  }
  return measured;
}
