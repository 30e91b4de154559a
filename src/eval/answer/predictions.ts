/** @file A VLMEvalKit predictions file (xlsx, tsv, json, jsonl): its replies by row index, and as an answerer that scores an old run again. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { openTable, type TableRow } from "../../tables/index.ts";
import { openSource, pyFloatRepr } from "../../vlmeval/index.ts";
import { fileMd5 } from "../data/lmu-data.ts";
import type { Answer, Answerer } from "./answerer.ts";

/** Indices and replies as texts. A missing reply is `nan`, as VLMEvalKit's scorers see it. */
export type Predictions = Map<string, string>;

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "nan";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : pyFloatRepr(value);
  return String(value);
}

const isRow = (row: object): row is { index: unknown; prediction: unknown } =>
  Object.hasOwn(row, "index") && Object.hasOwn(row, "prediction");

function collect(path: string, rows: Iterable<unknown>): Predictions {
  const out: Predictions = new Map();
  for (const row of rows) {
    if (typeof row !== "object" || row === null || Array.isArray(row)) {
      const found = JSON.stringify(row).slice(0, 40);
      throw new Error(`${path}: expected a list of rows, each an object with index and prediction; found ${found}.`);
    }
    if (!isRow(row)) {
      throw new Error(`${path} has the columns ${Object.keys(row).join(", ")}; expected index and prediction.`);
    }
    out.set(cellText(row.index), cellText(row.prediction));
  }
  if (out.size === 0) throw new Error(`${path} holds no rows.`);
  return out;
}

async function readXlsx(path: string, signal?: AbortSignal): Promise<Predictions> {
  const table = await openTable(path, { signal });
  try {
    const rows: TableRow[] = [];
    for await (const batch of table.rows()) for (const row of batch) rows.push(row);
    return collect(path, rows);
  } finally {
    table.close();
  }
}

async function readJson(path: string): Promise<Predictions> {
  const text = await readFile(path, "utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}.`, { cause: error });
  }
  if (Array.isArray(value)) return collect(path, value);
  if (typeof value === "object" && value !== null && isRow(value)) {
    const { index, prediction } = value;
    if (!Array.isArray(index) || !Array.isArray(prediction) || index.length !== prediction.length)
      throw new Error(`${path}: the columns index and prediction are not two lists of one length.`);
    return collect(
      path,
      index.map((key, place) => ({ index: key, prediction: prediction[place] })),
    );
  }
  throw new Error(`${path}: expected a list of rows, or columns index and prediction.`);
}

/**
 * @throws the signal's reason; Error if the file is of another kind, unreadable, empty, or lacks one of the two columns
 * @example const replies = await readPredictions("GPT4o_MMStar.xlsx");
 */
export async function readPredictions(path: string, signal?: AbortSignal): Promise<Predictions> {
  if (/\.xlsx$/i.test(path)) return readXlsx(path, signal);
  if (/\.json$/i.test(path)) return readJson(path);
  if (!/\.(?:tsv|jsonl)$/i.test(path)) {
    throw new Error(`${path}: unknown kind of predictions file; expected .xlsx, .tsv, .json or .jsonl.`);
  }
  const source = await openSource(path, signal);
  try {
    return collect(
      path,
      Array.from({ length: source.length }, (_, row) => source.cells(row)),
    );
  } finally {
    source.close();
  }
}

/**
 * Rows that the file lacks get an answer with `error`.
 * @throws as `readPredictions`
 * @example const answerer = await predictionsAnswerer("M_MMStar.xlsx", "M");
 */
export async function predictionsAnswerer(path: string, name?: string, signal?: AbortSignal): Promise<Answerer> {
  const replies = await readPredictions(path, signal);
  return {
    name: name ?? basename(path).replace(/\.[^.]+$/, ""),
    settings: { predictions: basename(path), rows: replies.size },
    identity: async () => ({ predictions: await fileMd5(path) }),
    async *answer(requests) {
      for await (const { key } of requests) {
        // pandas writes a column of whole numbers as floats as soon as one is missing.
        const text = replies.get(key) ?? (/^-?\d+$/.test(key) ? replies.get(`${key}.0`) : undefined);
        const answer: Answer = { key, text: text ?? "", milliseconds: 0 };
        yield text === undefined ? { ...answer, error: `${basename(path)} has no row with index ${key}` } : answer;
      }
    },
    close: async () => {},
  };
}
