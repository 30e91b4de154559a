/** @file A Parquet file as a row source; pictures are read a row group at a time. */
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { type RecordReader, recordsSource } from "./records-source.ts";
import type { RowSource } from "./row-source.ts";

const PICTURE = /^(?:decoded_)?images?(?:_\d+)?$/;

/** First row and end of each row group. */
function groupBounds(sizes: readonly number[]): { start: number; end: number }[] {
  let end = 0;
  return sizes.map((size) => {
    const start = end;
    end += size;
    return { start, end };
  });
}

/** A stand-in of the same length class, so that no picture stays in memory. */
function light(record: Record<string, unknown>, pictures: readonly string[]): Record<string, unknown> {
  const out = { ...record };
  for (const name of pictures) {
    if (out[name] !== null && out[name] !== undefined) out[name] = new Uint8Array(1);
  }
  return out;
}

/**
 * @throws if the file is no Parquet file
 * @example const source = await openParquet("test-00000.parquet");
 */
export async function openParquet(path: string): Promise<RowSource> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const names = parquetSchema(metadata).children.map((child) => child.element.name);
  const pictures = names.filter((name) => PICTURE.test(name));
  const bounds = groupBounds(metadata.row_groups.map((group) => Number(group.num_rows)));
  let cached: { start: number; rows: Record<string, unknown>[] } = { start: 0, rows: [] };
  const readGroup = async ({ start, end }: { start: number; end: number }) => {
    // Only columns marked as text are text; pictures are bytes.
    const rows = await parquetReadObjects({ file, metadata, compressors, utf8: false, rowStart: start, rowEnd: end });
    cached = { start, rows };
    return rows;
  };
  const first: Record<string, unknown>[] = [];
  for (const group of bounds) first.push(...(await readGroup(group)).map((record) => light(record, pictures)));
  const read: RecordReader = async (row) => {
    const isCached = row >= cached.start && row < cached.start + cached.rows.length;
    if (!isCached) await readGroup(bounds.find(({ start, end }) => row >= start && row < end)!);
    return cached.rows[row - cached.start]!;
  };
  return recordsSource(first.length, first, read);
}
