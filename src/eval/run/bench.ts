/** @file What a run needs of a benchmark, made from a benchmark set or from any task. */
import type { ImageInput, Message } from "../../processor/index.ts";
import type { Task } from "../../tasks/index.ts";
import {
  type Answered,
  type Ask,
  type FileKind,
  PythonError,
  type Reply,
  type RowScore,
  runProgram,
  type ScoreContext,
  type Scored,
  type SetReport,
  type VlmTask,
} from "../../vlmeval/index.ts";
import { taskReport } from "./task-report.ts";

/** A row on its way: its texts at once, its prompt when asked for. */
export interface BenchRow {
  key: string;
  cells: Readonly<Record<string, string | null>>;
  prompt(): Promise<{ images: ImageInput[]; messages: Message[] }>;
  /** A first verdict by rules alone, for the running score; null if rules cannot tell. */
  quickScore(answer: string): Promise<number | null>;
}

/** Whoever answers a score's questions: a judge, a checker of expressions. */
export type Respond = (ask: Ask) => Reply | Promise<Reply>;

export interface Bench {
  readonly name: string;
  /** Known for data files; undefined for tasks that draw their rows. */
  readonly size: number | undefined;
  readonly columns: readonly string[];
  readonly types: Readonly<Record<string, string>>;
  readonly files: FileKind | null;
  readonly metricNote: string;
  readonly promptStyle: string;
  readonly warnings: readonly string[];
  /** `skip` rows are not loaded. */
  rows(): AsyncIterable<BenchRow>;
  groupKey(row: Pick<Answered, "index" | "cells">): string;
  /** Scores the rows of one group; `respond` answers what its rules cannot decide. */
  score(group: readonly Answered[], context: ScoreContext, respond: Respond): Promise<RowScore[]>;
  report(rows: readonly Scored[], context: ScoreContext): SetReport;
}

/** A benchmark set as a bench. */
export function vlmBench(task: VlmTask): Bench {
  const { set, data } = task;
  const isVision = set.name.includes("MMMU_Pro_V");
  const warnings = [...data.warnings];
  if (set.rows !== undefined && set.rows !== data.length) {
    warnings.push(`${set.name} has ${set.rows} rows with pictures, this file ${data.length}: the score is of a part.`);
  }
  const context: ScoreContext = { rules: task.rules, judge: false };
  const quickScore = async (index: string, cells: Answered["cells"], prediction: string): Promise<number | null> => {
    try {
      const program = set.score([{ index, cells, prediction }], context);
      const [score] = await runProgram(program, () => null);
      return score!.decision === "undecided" ? null : score!.value;
    } catch (error) {
      if (error instanceof PythonError) return 0;
      throw error;
    }
  };
  return {
    name: set.name,
    size: data.length,
    columns: data.columns,
    types: data.types,
    files: set.files,
    metricNote: set.metricNote,
    promptStyle: task.promptStyle,
    warnings,
    async *rows() {
      for (let at = 0; at < data.length; at++) {
        const key = data.index(at);
        const cells = isVision ? { ...data.cells(at), question: "placeholder" } : data.cells(at);
        yield {
          key,
          cells,
          prompt: async () => task.prompt(await task.load(at)),
          quickScore: (answer) => quickScore(key, cells, answer),
        };
      }
    },
    groupKey: (row) => set.groupKey?.(row) ?? row.index,
    score: (group, scoring, respond) => runProgram(set.score(group, scoring), respond),
    report: (rows, scoring) => set.report(rows, scoring),
  };
}

/** The row's texts: every field that is one. */
function textFields(row: unknown): Record<string, string | null> {
  const out: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(row as Record<string, unknown>)) {
    if (typeof value === "string") out[name] = value;
    else if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint")
      out[name] = String(value);
  }
  return out;
}

/**
 * Any task as a bench: rows named by their `id` if they have one, else by number; scored by the task itself.
 * @param size number of rows, if known
 */
export function taskBench<Row>(task: Task<Row>, size?: number): Bench {
  const verdicts = new Map<string, (answer: string) => Promise<RowScore>>();
  const verdictOf =
    (row: Row) =>
    async (answer: string): Promise<RowScore> => {
      const { correct, value, detail } = await task.score(row, answer);
      return { correct, value, extracted: detail, decision: "rule", fields: { hit: value, log: detail } };
    };
  return {
    name: task.name,
    size,
    columns: ["index"],
    types: {},
    files: null,
    metricNote: "mean score over all rows",
    promptStyle: "the task's own",
    warnings: [],
    async *rows() {
      let at = 0;
      for await (const row of task.rows()) {
        const cells = textFields(row);
        const key = cells.id ?? String(at);
        at++;
        const verdict = verdictOf(row);
        verdicts.set(key, verdict);
        yield {
          key,
          cells,
          prompt: async () => task.prompt(row),
          quickScore: async (answer) => (await verdict(answer)).value,
        };
      }
    },
    groupKey: (row) => row.index,
    // The task decides by itself; nobody is asked.
    score: (group) => Promise.all(group.map(({ index, prediction }) => verdicts.get(index)!(prediction))),
    report: taskReport,
  };
}
