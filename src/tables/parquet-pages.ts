/**
 * @file Walks the page headers of a Parquet file before anything is decoded. The decoder believes them: a negative number of rows
 * makes it loop for ever, and sizes are allocated as they stand.
 */
import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { checkUnpacked, type TableBounds } from "./table.ts";

/** Most headers are some tens of bytes; statistics of long texts make one larger. */
const WINDOWS = [4096, 1 << 20];

type Column = FileMetaData["row_groups"][number]["columns"][number];
type Header = ReturnType<typeof parquetHeader>;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** The header at `at`, and how many bytes it takes. */
async function headerAt(file: AsyncBuffer, at: number, end: number): Promise<{ header: Header; length: number }> {
  for (const size of WINDOWS) {
    const reader = { view: new DataView(await file.slice(at, Math.min(end, at + size))), offset: 0 };
    try {
      return { header: parquetHeader(reader), length: reader.offset };
    } catch (error) {
      // Cut off by the window: once more with a larger one.
      if (!(error instanceof RangeError) || size === WINDOWS.at(-1) || at + size >= end) throw error;
    }
  }
  throw new Error("unreachable");
}

/** Values and decoded bytes that a page announces. @throws Error when its header cannot be true */
function sizesOf(header: Header, left: number): { values: number; bytes: number } {
  const { compressed_page_size: packed, uncompressed_page_size: bytes } = header;
  if (!isCount(packed) || !isCount(bytes) || packed > left) throw new Error("a page has an impossible size");
  const v2 = header.data_page_header_v2;
  const dictionary = header.type === "DICTIONARY_PAGE" ? header.dictionary_page_header : undefined;
  const counts = v2
    ? [
        v2.num_values,
        v2.num_rows,
        v2.num_nulls,
        v2.definition_levels_byte_length,
        v2.repetition_levels_byte_length ?? 0,
      ]
    : [(header.data_page_header ?? dictionary)?.num_values];
  if (!counts.every(isCount)) throw new Error("a page has an impossible number of values");
  return { values: dictionary ? 0 : counts[0]!, bytes };
}

async function checkColumn(file: AsyncBuffer, column: Column): Promise<{ values: number; bytes: number }> {
  const meta = column.meta_data;
  if (!meta || column.file_path) throw new Error("a column lies in another file");
  const dictionary = meta.dictionary_page_offset;
  const first = dictionary && dictionary < meta.data_page_offset ? dictionary : meta.data_page_offset;
  const [start, length] = [Number(first), Number(meta.total_compressed_size)];
  if (!isCount(start) || !isCount(length) || start + length > file.byteLength)
    throw new Error("a column lies outside the file");
  const end = start + length;
  let [values, bytes, at] = [0, 0, start];
  while (at < end) {
    const { header, length: headerBytes } = await headerAt(file, at, end);
    const page = sizesOf(header, end - at - headerBytes);
    values += page.values;
    bytes += page.bytes;
    at += headerBytes + header.compressed_page_size;
  }
  if (values !== Number(meta.num_values))
    throw new Error(`column ${meta.path_in_schema.join(".")} has ${values} values, its head says ${meta.num_values}`);
  return { values, bytes };
}

/**
 * Checks that the file's rows, cells and decoded bytes are within bounds and its pages possible.
 * @throws Error that says what is not
 */
export async function checkPages(file: AsyncBuffer, metadata: FileMetaData, bounds: TableBounds): Promise<void> {
  const rows = metadata.row_groups.map((group) => Number(group.num_rows));
  if (!rows.every(isCount)) throw new Error("a row group has an impossible number of rows");
  const all = rows.reduce((sum, count) => sum + count, 0);
  if (all > bounds.rows) throw new Error(`it has ${all} rows, at most ${bounds.rows} are read`);
  let [cells, bytes] = [0, 0];
  for (const group of metadata.row_groups) {
    for (const column of group.columns) {
      const found = await checkColumn(file, column);
      cells += found.values;
      bytes += found.bytes;
      if (cells > bounds.cells) throw new Error(`it has more than the ${bounds.cells} cells that are read`);
      checkUnpacked(file.byteLength, bytes, bounds);
    }
  }
}
