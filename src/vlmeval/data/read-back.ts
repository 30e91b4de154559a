/** @file What VLMEvalKit reads back from its own predictions file: every format but JSON loses something, and scores are made from what is left. */
import { ColumnTypeWatcher, typedValue } from "./column-type.ts";
import { isMissing } from "./missing-words.ts";

export type PredictionFormat = "xlsx" | "tsv" | "json";

/** A cell's limit in Excel. */
export const XLSX_CELL_LIMIT = 32_767;
/** The longest address that XlsxWriter writes; a longer one is dropped with its whole cell. */
export const XLSX_URL_LIMIT = 2079;
const URL_START = /^(?:(?:ftp|http)s?:\/\/|mailto:|(?:in|ex)ternal:)/;

/** A reply as the xlsx writer leaves it. */
export function throughXlsx(reply: string): string {
  if (URL_START.test(reply)) return reply.length > XLSX_URL_LIMIT ? "" : reply.replace(/^(?:mailto|internal):/, "");
  const cut = reply.length > XLSX_CELL_LIMIT ? reply.slice(0, XLSX_CELL_LIMIT) : reply;
  // Control characters are escaped on writing and not restored on reading.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML cannot hold
  return cut.replace(/[\x00-\x08\x0b-\x1f]/g, (char) => {
    return `_x${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`;
  });
}

/**
 * A column of replies after writing and reading: missing words are null, an all-numeric column holds numbers.
 * @example readBack(["1", "2.50"], "xlsx") // [1, 2.5]
 */
export function readBack(replies: readonly string[], format: PredictionFormat): (string | number | boolean | null)[] {
  if (format === "json") return [...replies];
  const watcher = new ColumnTypeWatcher();
  const cells = replies.map((reply) => {
    const text = format === "xlsx" ? throughXlsx(reply) : reply;
    const cell = isMissing(text) ? null : text;
    watcher.see(cell);
    return cell;
  });
  const type = watcher.type();
  return cells.map((cell) => typedValue(cell, type));
}

/**
 * The texts that upstream's scorers then see: `str()` of each cell, a missing one as `nan`.
 * @example repliesAsScored(["", "B"], "xlsx") // ["nan", "B"]
 */
export function repliesAsScored(replies: readonly string[], format: PredictionFormat): string[] {
  if (format === "json") return [...replies];
  const cells = readBack(replies, format);
  const float = cells.some((cell) => typeof cell === "number" && !Number.isInteger(cell)) || cells.includes(null);
  return cells.map((cell) => {
    if (cell === null) return "nan";
    if (typeof cell === "boolean") return cell ? "True" : "False";
    if (typeof cell === "number") return float && Number.isInteger(cell) ? `${cell}.0` : String(cell);
    return cell;
  });
}
