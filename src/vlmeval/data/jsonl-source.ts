/** @file A JSONL file as a row source: one object a line, pictures as base64, read again from the file when asked for. */
import { openLines } from "../../tables/index.ts";
import { recordsSource } from "./records-source.ts";
import type { RowSource } from "./row-source.ts";

/** Texts longer than this are pictures; they are dropped from memory after their length is known. */
const LONG = 2000;

/**
 * @throws if a line is not a JSON object, naming the line
 * @example const source = await openJsonl("custom.jsonl");
 */
export async function openJsonl(path: string): Promise<RowSource> {
  const lines = await openLines(path);
  try {
    const first: Record<string, unknown>[] = [];
    for await (const text of lines.all()) first.push(light(parseLine(text, path, lines.number(first.length))));
    const read = async (row: number) => parseLine(await lines.text(row), path, lines.number(row));
    return recordsSource(first.length, first, read, () => void lines.close());
  } catch (error) {
    await lines.close();
    throw error;
  }
}

function parseLine(text: string, path: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path}, line ${line}: not JSON (${(error as Error).message}); expected one object a line.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${path}, line ${line}: expected a JSON object with the row's columns.`);
  }
  return value as Record<string, unknown>;
}

/** The record with its pictures replaced by texts of the same length class. */
function light(record: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) {
    const picture = /^image/.test(name) && name !== "image_path";
    if (picture && typeof value === "string" && value.length > LONG) out[name] = "x".repeat(LONG);
    else if (picture && Array.isArray(value)) out[name] = value.map((item) => String(item).slice(0, LONG));
    else out[name] = value;
  }
  return out;
}
