/** @file A VLMEvalKit predictions file (xlsx, tsv, json, jsonl) as replies by row index, for re-scoring old runs. */
import { readFile } from "node:fs/promises";
import readXlsxFile from "read-excel-file/node";
import { openSource, pyFloatRepr } from "../../tasks/index.ts";

/** Indices and replies as texts. A missing reply is `nan`, as VLMEvalKit's scorers see it. */
export type Predictions = Map<string, string>;

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "nan";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : pyFloatRepr(value);
  return String(value);
}

function collect(path: string, rows: Iterable<Record<string, unknown>>): Predictions {
  const out: Predictions = new Map();
  for (const row of rows) {
    if (!("index" in row) || !("prediction" in row)) {
      throw new Error(`${path} has the columns ${Object.keys(row).join(", ")}; expected index and prediction.`);
    }
    out.set(cellText(row.index), cellText(row.prediction));
  }
  if (out.size === 0) throw new Error(`${path} holds no rows.`);
  return out;
}

async function readXlsx(path: string): Promise<Predictions> {
  const sheets = await readXlsxFile(path);
  const rows = (
    Array.isArray(sheets[0]) ? sheets : (sheets[0] as unknown as { data: unknown[][] }).data
  ) as unknown[][];
  const [header, ...body] = rows;
  const names = (header ?? []).map(String);
  return collect(
    path,
    body.map((cells) => Object.fromEntries(names.map((name, place) => [name, cells[place] ?? null]))),
  );
}

async function readJson(path: string): Promise<Predictions> {
  const value: unknown = JSON.parse(await readFile(path, "utf8"));
  if (Array.isArray(value)) return collect(path, value as Record<string, unknown>[]);
  const columns = value as Record<string, unknown>;
  if (Array.isArray(columns.index) && Array.isArray(columns.prediction)) {
    const { index, prediction } = columns as { index: unknown[]; prediction: unknown[] };
    return collect(
      path,
      index.map((key, place) => ({ index: key, prediction: prediction[place] })),
    );
  }
  throw new Error(`${path}: expected a list of rows, or columns index and prediction.`);
}

/**
 * @throws if the file is of another kind, unreadable, empty, or lacks one of the two columns
 * @example const replies = await readPredictions("GPT4o_MMStar.xlsx");
 */
export async function readPredictions(path: string): Promise<Predictions> {
  if (/\.xlsx$/i.test(path)) return readXlsx(path);
  if (/\.json$/i.test(path)) return readJson(path);
  if (!/\.(?:tsv|jsonl)$/i.test(path)) {
    throw new Error(`${path}: unknown kind of predictions file; expected .xlsx, .tsv, .json or .jsonl.`);
  }
  const source = await openSource(path);
  try {
    return collect(
      path,
      Array.from({ length: source.length }, (_, row) => source.cells(row)),
    );
  } finally {
    source.close();
  }
}
