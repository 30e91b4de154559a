/** @file A Parquet file as a row source; pictures are read from the file when a row is asked for. */
import { openTable, type TableRow } from "../../tables/index.ts";
import { recordsSource } from "./records-source.ts";
import type { RowSource } from "./row-source.ts";

const PICTURE = /^(?:decoded_)?images?(?:_\d+)?$/;

/**
 * @throws TableError if the file is no Parquet file, or larger than is read; the signal's reason
 * @example const source = await openParquet("test-00000.parquet");
 */
export async function openParquet(path: string, signal?: AbortSignal): Promise<RowSource> {
  const table = await openTable(path, { signal });
  try {
    // One byte stands for a picture, so that none stays in memory.
    const pictures = table.columns.filter((name) => PICTURE.test(name));
    const first: TableRow[] = [];
    for await (const rows of table.rows(0, table.length, pictures)) for (const row of rows) first.push(row);
    const read = async (row: number): Promise<TableRow> => {
      for await (const [record] of table.rows(row, row + 1)) return record!;
      throw new RangeError(`${path} has ${table.length} rows, asked for row ${row}.`);
    };
    return recordsSource(first.length, first, read, () => table.close());
  } catch (error) {
    table.close();
    throw error;
  }
}
