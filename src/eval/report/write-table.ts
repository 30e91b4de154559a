/** @file Writes rows as xlsx, tsv, csv or json in the form that pandas gives them. */
import { writeFile } from "node:fs/promises";
import type { Cell } from "write-excel-file/node";
import { needPackage } from "../../common/node.ts";
import { pyFloatRepr, type Table, type Value } from "../../vlmeval/index.ts";

/** Excel's limit for a cell. */
const CELL_LIMIT = 32_767;

/** A value as pandas prints it to a text table; a missing one is empty. */
function plain(value: Value | undefined, float: boolean): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "number") return value;
  if (Number.isNaN(value)) return "";
  return float ? pyFloatRepr(value) : String(value);
}

/** Columns of result tables that count; all other numbers in them are floats to pandas. */
const COUNTS = new Set(["tot", "prefetch", "hit"]);

function textTable(table: Table, separator: string, isResult: boolean): string {
  const isFloat = new Map(
    table.columns.map((column) => {
      if (isResult) return [column, !COUNTS.has(column)];
      // One value with a fraction, or a gap, makes a column of floats.
      const values = table.rows.map((row) => row[column]);
      const numbers = values.filter((value) => typeof value === "number");
      return [column, numbers.some((value) => !Number.isInteger(value)) || numbers.length < values.length];
    }),
  );
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = [
    table.columns.map(quote).join(separator),
    ...table.rows.map((row) =>
      table.columns.map((column) => quote(plain(row[column], isFloat.get(column)!))).join(separator),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

/** Characters that XML cannot hold: most controls, two non-characters, halves of pairs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters meant
const CONTROLS = /[\x00-\x08\x0b-\x1f\ufffe\uffff]/g;
const HALVES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A text as Excel escapes it. */
function xlsxText(text: string): string {
  const cut = text.length > CELL_LIMIT ? text.slice(0, CELL_LIMIT) : text;
  const code = (char: string) => `_x${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`;
  return cut.replace(CONTROLS, code).replace(HALVES, code);
}

async function writeXlsx(table: Table, path: string): Promise<number> {
  needPackage("Writing Excel files", "write-excel-file");
  const { default: writeXlsxFile } = await import("write-excel-file/node");
  let cut = 0;
  const cell = (value: Value | undefined): Cell => {
    if (value === null || value === undefined || (typeof value === "number" && !Number.isFinite(value))) return null;
    if (typeof value === "number") return { value, type: Number };
    if (typeof value === "boolean") return { value, type: Boolean };
    if (value.length > CELL_LIMIT) cut++;
    const text = xlsxText(value);
    return text === "" ? null : { value: text, type: String };
  };
  const header = table.columns.map((name): Cell => ({ value: name, type: String, fontWeight: "bold" }));
  const rows = table.rows.map((row) => table.columns.map((column) => cell(row[column])));
  await writeXlsxFile([header, ...rows]).toFile(path);
  return cut;
}

/**
 * @param path decides the format by its extension
 * @param isResult a table of results rather than of rows
 * @returns how many texts Excel's limit has cut
 * @example await writeTable(table, "M_MMStar_acc.csv")
 */
export async function writeTable(table: Table, path: string, isResult = false): Promise<number> {
  if (path.endsWith(".xlsx")) return writeXlsx(table, path);
  if (path.endsWith(".json")) {
    const one = table.rows.length === 1 && path.endsWith("_score.json");
    await writeFile(path, `${JSON.stringify(one ? table.rows[0] : table.rows, null, 4)}\n`);
  } else await writeFile(path, textTable(table, path.endsWith(".tsv") ? "\t" : ",", isResult));
  return 0;
}
