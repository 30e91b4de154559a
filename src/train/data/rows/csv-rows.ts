/** @file CSV and TSV by row number: a header line, then a row of text columns each; quotes as RFC 4180 has them. */

import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { TrainingInputError } from "../../input-error.ts";
import type { RowSource } from "./row-source.ts";

interface Cells {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Splits a text into rows of cells. A quoted cell may hold the separator, line breaks, and quotes written twice. */
export function parseSeparated(text: string, separator: string): Cells[] {
  const rows: Cells[] = [];
  let [cells, cell, quoted, wasQuoted] = [[] as string[], "", false, false];
  let [line, started] = [1, 1];
  const endCell = () => {
    cells.push(cell);
    [cell, wasQuoted] = ["", false];
  };
  const endRow = () => {
    endCell();
    if (cells.length > 1 || cells[0] !== "") rows.push({ line: started, cells });
    cells = [];
    started = line;
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\n") line++;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[++i];
      else quoted = false;
    } else if (c === '"' && cell === "" && !wasQuoted) [quoted, wasQuoted] = [true, true];
    else if (c === separator) endCell();
    else if (c === "\n") endRow();
    else if (c !== "\r" || text[i + 1] !== "\n") cell += c;
  }
  if (quoted) throw new Error(`line ${started}: a quote is opened and never closed`);
  if (cell !== "" || cells.length > 0) endRow();
  return rows;
}

/**
 * Opens a table of text. Empty cells are absent.
 * @throws TrainingInputError when a quote is not closed, or a row has another number of cells than the header
 */
export async function openCsvRows(path: string): Promise<RowSource> {
  const text = (await readFile(path, "utf8")).replace(/^\uFEFF/, "");
  let rows: Cells[];
  try {
    rows = parseSeparated(text, /\.tsv$/i.test(path) ? "\t" : ",");
  } catch (error) {
    throw new TrainingInputError(`${path}, ${(error as Error).message}.`, { cause: error });
  }
  const [header, ...data] = rows;
  const names = header?.cells.map((name) => name.trim()) ?? [];
  return {
    path,
    length: data.length,
    place: (i) => `${path}:${data[i]!.line}`,
    folder: () => dirname(path),
    async row(i) {
      const { cells } = data[i]!;
      if (cells.length !== names.length)
        throw new Error(`the row has ${cells.length} cells, the header ${names.length} (${names.join(", ")})`);
      return Object.fromEntries(names.flatMap((name, k) => (cells[k] === "" ? [] : [[name, cells[k]]])));
    },
    close: async () => {},
  };
}
