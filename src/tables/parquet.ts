/** @file A Parquet file in the reading thread: checked, then decoded a row group at a time. */
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors as standard } from "hyparquet-compressors";
import { checkPages } from "./parquet-pages.ts";
import type { OpenedTable, TableBounds, TableRow } from "./table.ts";

type Decompress = (input: Uint8Array, outputLength: number) => Uint8Array;

/** A page of nulls alone holds no bytes; LZ4 packs them as one token, which the decoder takes for a match. */
const compressors = Object.fromEntries(
  Object.entries(standard as Record<string, Decompress>).map(([codec, decompress]): [string, Decompress] => [
    codec,
    (input, length) => (length === 0 ? new Uint8Array(0) : decompress(input, length)),
  ]),
);

/** @throws Error that says why the file is none that can be read */
export async function openParquetTable(path: string, bounds: TableBounds): Promise<OpenedTable> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  await checkPages(file, metadata, bounds);
  const columns = parquetSchema(metadata).children.map((child) => child.element.name);
  let end = 0;
  const groups = metadata.row_groups.map((group) => {
    const start = end;
    end += Number(group.num_rows);
    return { start, end };
  });
  return {
    columns,
    groups,
    // Only columns marked as text are text; pictures are bytes.
    read: ({ start, end: stop }) =>
      parquetReadObjects({ file, metadata, compressors, utf8: false, rowStart: start, rowEnd: stop }) as Promise<
        TableRow[]
      >,
  };
}
