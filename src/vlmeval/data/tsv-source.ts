/** @file A VLMEvalKit TSV file of any size as a row source: texts in memory, pictures read from the file when asked for. */
import { closeSync, openSync, readSync } from "node:fs";
import { type ColumnType, ColumnTypeWatcher, typedText } from "./column-type.ts";
import { isMissing } from "./missing-words.ts";
import { IMAGE_COLUMN, type ImageCell, type RowSource } from "./row-source.ts";
import { type RecordPlace, scanTsv, unquoteCell } from "./scan-tsv.ts";

/**
 * Open and index a file. Close it when done.
 *
 * @throws if the file has no header, a row has more cells than the header, or a quote is never closed; the signal's reason
 * @example
 * const source = await openTsv("MMStar.tsv");
 * source.cells(0).question;
 */
export async function openTsv(path: string, signal?: AbortSignal): Promise<RowSource> {
  const records = await scanTsv(path, signal);
  const header = records.shift();
  if (!header) throw new Error(`${path} is empty; expected a TSV file with a header line.`);
  const file = openSync(path, "r");
  try {
    return new TsvSource(path, file, header, records);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

class TsvSource implements RowSource {
  readonly columns: string[];
  readonly types: Record<string, ColumnType> = {};
  readonly wordsTakenForMissing: { row: number; column: string; text: string }[] = [];
  readonly #file: number;
  readonly #records: readonly RecordPlace[];
  readonly #rows: Record<string, string | null>[];
  readonly #image: number;

  constructor(path: string, file: number, header: RecordPlace, records: readonly RecordPlace[]) {
    this.#file = file;
    this.#records = records;
    this.columns = header.starts.map((_, column) => this.#text(header, column));
    this.#image = this.columns.indexOf(IMAGE_COLUMN);
    const watchers = this.columns.map(() => new ColumnTypeWatcher());
    this.#rows = records.map((record, row) => {
      if (record.starts.length > this.columns.length) {
        throw new Error(
          `${path}, row ${row + 1}: ${record.starts.length} cells, but the header has ${this.columns.length}. ` +
            "Tabs or line breaks inside a cell must stand in quotes.",
        );
      }
      return this.#readRow(record, row, watchers);
    });
    for (const [place, column] of this.columns.entries()) this.types[column] = watchers[place]!.type();
    for (const cells of this.#rows) {
      for (const column of Object.keys(cells)) cells[column] = typedText(cells[column]!, this.types[column]!);
    }
  }

  get length(): number {
    return this.#records.length;
  }

  #text(record: RecordPlace, column: number): string {
    const start = record.starts[column]!;
    const bytes = Buffer.allocUnsafe(record.ends[column]! - start);
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.#file, bytes, done, bytes.length - done, start + done);
      if (read === 0) throw new Error("The TSV file became shorter while it was being read; run again.");
      done += read;
    }
    return unquoteCell(bytes.toString("utf8"));
  }

  #readRow(record: RecordPlace, row: number, watchers: ColumnTypeWatcher[]): Record<string, string | null> {
    const cells: Record<string, string | null> = {};
    for (const [place, column] of this.columns.entries()) {
      if (place === this.#image) continue;
      const text = place < record.starts.length ? this.#text(record, place) : "";
      const missing = isMissing(text);
      if (missing && text !== "") this.wordsTakenForMissing.push({ row, column, text });
      cells[column] = missing ? null : text;
      watchers[place]!.see(cells[column]);
    }
    return cells;
  }

  cells(row: number): Readonly<Record<string, string | null>> {
    return this.#rows[row]!;
  }

  imageLength(row: number): number {
    const record = this.#records[row]!;
    if (this.#image < 0 || this.#image >= record.starts.length) return 0;
    const size = record.ends[this.#image]! - record.starts[this.#image]!;
    if (size > 200) return size;
    const text = this.#text(record, this.#image);
    return isMissing(text) ? 0 : text.length;
  }

  async imageCell(row: number): Promise<ImageCell> {
    return this.#text(this.#records[row]!, this.#image);
  }

  close(): void {
    closeSync(this.#file);
  }
}
