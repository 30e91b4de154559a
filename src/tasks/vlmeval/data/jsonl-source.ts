/** @file A JSONL file as a row source: one object a line, pictures as base64, read again from the file when asked for. */
import { closeSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { recordsSource } from "./records-source.ts";
import type { RowSource } from "./row-source.ts";

/** Texts longer than this are pictures; they are dropped from memory after their length is known. */
const LONG = 2000;

/**
 * @throws if a line is not a JSON object, naming the line
 * @example const source = await openJsonl("custom.jsonl");
 */
export async function openJsonl(path: string): Promise<RowSource> {
  const places: [start: number, length: number][] = [];
  const first: Record<string, unknown>[] = [];
  let offset = 0;
  const handle = await open(path);
  let line = 0;
  for await (const text of handle.readLines({ encoding: "utf8" })) {
    line++;
    const bytes = Buffer.byteLength(text);
    if (text.trim() !== "") {
      places.push([offset, bytes]);
      first.push(light(parseLine(text, path, line)));
    }
    offset += bytes + 1;
  }
  const file = openSync(path, "r");
  return recordsSource(
    places.length,
    first,
    async (row) => {
      const [start, length] = places[row]!;
      const bytes = Buffer.allocUnsafe(length);
      readSync(file, bytes, 0, length, start);
      return parseLine(bytes.toString("utf8"), path, row + 1);
    },
    () => closeSync(file),
  );
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
