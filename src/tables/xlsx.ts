/** @file A workbook in the reading thread: its first sheet, as rows under the names of its first line. */
import { open } from "node:fs/promises";
import readXlsxFile from "read-excel-file/node";
import { checkUnpacked, type OpenedTable, type TableBounds } from "./table.ts";

/** Excel's own limit; what holds more was not made by it or for it. */
const LONGEST_CELL = 32_767;
/** The end of a ZIP archive: 22 bytes and a comment of at most 65,535 (PKWARE APPNOTE 4.3.16). */
const LONGEST_END = 22 + 0xffff;

/** The sum of the sizes that a ZIP archive's directory gives its files. @throws Error when there is no such directory */
async function unpackedSize(path: string): Promise<{ packed: number; unpacked: number }> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, LONGEST_END));
    await handle.read(tail, 0, tail.length, size - tail.length);
    const end = tail.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
    if (end < 0 || end + 22 > tail.length) throw new Error("it is no ZIP archive");
    const [length, offset] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
    if (offset + length > size) throw new Error("its directory lies outside the file");
    const directory = Buffer.alloc(length);
    await handle.read(directory, 0, length, offset);
    let unpacked = 0;
    for (let at = 0; at + 46 <= length && directory.readUInt32LE(at) === 0x02014b50; ) {
      unpacked += directory.readUInt32LE(at + 24);
      at += 46 + directory.readUInt16LE(at + 28) + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    return { packed: size, unpacked };
  } finally {
    await handle.close();
  }
}

/** The cells of the first sheet; the library gives them bare, or under the sheet's name. */
async function cellsOf(path: string): Promise<unknown[][]> {
  const sheets = await readXlsxFile(path);
  return (Array.isArray(sheets[0]) ? sheets : (sheets[0] as unknown as { data: unknown[][] }).data) as unknown[][];
}

function checkCells(rows: readonly unknown[][], bounds: TableBounds): void {
  if (rows.length > bounds.rows) throw new Error(`it has ${rows.length} rows, at most ${bounds.rows} are read`);
  let cells = 0;
  for (const [at, row] of rows.entries()) {
    cells += row.length;
    const long = row.find((cell) => typeof cell === "string" && cell.length > LONGEST_CELL) as string | undefined;
    if (long !== undefined)
      throw new Error(`row ${at + 1} has a cell of ${long.length} characters, a workbook's holds ${LONGEST_CELL}`);
  }
  if (cells > bounds.cells) throw new Error(`it has ${cells} cells, at most ${bounds.cells} are read`);
}

/** @throws Error that says why the file is none that can be read */
export async function openXlsxTable(path: string, bounds: TableBounds): Promise<OpenedTable> {
  const { packed, unpacked } = await unpackedSize(path);
  checkUnpacked(packed, unpacked, bounds);
  const cells = await cellsOf(path);
  checkCells(cells, bounds);
  const [header = [], ...body] = cells;
  const columns = header.map(String);
  const rows = body.map((row) => Object.fromEntries(columns.map((name, place) => [name, row[place] ?? null])));
  return { columns, groups: [{ start: 0, end: rows.length }], read: async () => rows };
}
