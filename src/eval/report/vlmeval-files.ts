/** @file Writes a set's files under VLMEvalKit's names and columns (all but pickles, which only Python reads). */
import { join } from "node:path";
import type { Scored, SetReport, Table, Value } from "../../vlmeval/index.ts";
import type { Bench } from "../run/bench.ts";
import { besidePredictions, NO_JUDGE, upstreamFiles } from "./file-names.ts";
import { writeTable } from "./write-table.ts";

export interface VlmevalFilesOptions {
  folder: string;
  model: string;
  bench: Bench;
  rows: readonly Scored[];
  /** The replies as the model gave them, before any loss. */
  replies: ReadonlyMap<string, string>;
  report: SetReport;
  judge: string | null;
  /** Extension of row files. Default xlsx. */
  format?: "xlsx" | "tsv" | "json";
}

/** A cell under its column's type, so that numbers are numbers in the file. */
function typed(text: string | null | undefined, type: string | undefined): Value {
  if (text === null || text === undefined) return null;
  if (type === "int64" || type === "float64") return Number(text);
  return type === "bool" ? text === "True" : text;
}

/** @returns paths written, and a warning if Excel cut anything */
export async function writeVlmevalFiles(
  options: VlmevalFilesOptions,
): Promise<{ paths: string[]; warnings: string[] }> {
  const { folder, model, bench, rows, replies, report, judge, format = "xlsx" } = options;
  if (bench.files === null) return { paths: [], warnings: [] };
  const predictions = join(folder, `${model}_${bench.name}.${format}`);
  const columns = bench.columns.filter((column) => column !== "prediction");
  const base = (row: Scored): Record<string, Value> => ({
    ...Object.fromEntries(columns.map((column) => [column, typed(row.cells[column], bench.types[column])])),
    index: typed(row.index, bench.types.index),
    prediction: replies.get(row.index) ?? null,
  });
  const plain: Table = { columns: [...columns, "prediction"], rows: rows.map(base) };
  const fields = [...new Set(rows.flatMap((row) => Object.keys(row.score.fields)))];
  const judged: Table = {
    columns: [...new Set([...plain.columns, ...fields])],
    rows: rows.map((row) => ({ ...base(row), ...row.score.fields })),
  };
  const paths: string[] = [];
  let cut = 0;
  for (const { path: named, holds } of upstreamFiles(bench.files, predictions, judge ?? NO_JUDGE)) {
    if (holds === "pickle") continue;
    const path = named.endsWith(".xlsx") && format !== "xlsx" ? besidePredictions(named, "", format) : named;
    const table =
      holds === "table" ? report.table : holds === "fine" ? report.fine! : holds === "predictions" ? plain : judged;
    cut += await writeTable(table, path, holds === "table" || holds === "fine");
    paths.push(path);
  }
  const warnings =
    cut === 0
      ? []
      : [`Excel's limit of 32,767 characters cut ${cut} texts in the xlsx files; answers.jsonl has them whole.`];
  return { paths, warnings };
}
