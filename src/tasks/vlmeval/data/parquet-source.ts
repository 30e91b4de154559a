/** @file A Parquet file as a row source, row groups read on demand. */
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { recordsSource } from "./records-source.ts";
import type { RowSource } from "./row-source.ts";

/** Rows read at once when pictures are asked for one by one. */
const READ_AHEAD = 16;

/**
 * @throws if the file is no Parquet file
 * @example const source = await openParquet("test-00000.parquet");
 */
export async function openParquet(path: string): Promise<RowSource> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const names = parquetSchema(metadata).children.map((child) => child.element.name);
  const pictures = names.filter((name) => /^(?:decoded_)?images?(?:_\d+)?$/.test(name));
  const rowCount = Number(metadata.num_rows);
  const light = names.filter((name) => !pictures.includes(name));
  const first = light.length > 0 ? await parquetReadObjects({ file, metadata, compressors, columns: light }) : [];
  let cached: { from: number; rows: Record<string, unknown>[] } = { from: 0, rows: [] };
  const read = async (row: number) => {
    if (row < cached.from || row >= cached.from + cached.rows.length) {
      const rowEnd = Math.min(rowCount, row + READ_AHEAD);
      const rows = await parquetReadObjects({ file, metadata, compressors, rowStart: row, rowEnd });
      cached = { from: row, rows };
    }
    return cached.rows[row - cached.from]!;
  };
  const placeholder = pictures.length > 0 ? { [pictures[0]!]: new Uint8Array(1) } : {};
  return recordsSource(
    rowCount,
    Array.from({ length: rowCount }, (_, row) => ({ ...placeholder, ...first[row] })),
    read,
  );
}
