/** @file Parquet files and workbooks made by accident or malice are refused in one line, and cost little. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { parquetWriteFile } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { openTable, type Table, TableError, type TableRow } from "../../src/tables/index.ts";
import { temporaryFolder } from "../eval/fixtures.ts";

const caseOf = (name: string): string => fileURLToPath(new URL(`./cases/${name}`, import.meta.url));

async function all(table: Table): Promise<TableRow[]> {
  const found: TableRow[] = [];
  for await (const rows of table.rows()) found.push(...rows);
  table.close();
  return found;
}

describe("a file that cannot be true", () => {
  it.each([
    ["hang.parquet", /hang\.parquet is not Parquet that can be read: a page has an impossible number of values\.$/],
    ["rows-8m.parquet", /is not Parquet that can be read: it has 8000000 rows, at most 4000000 are read\.$/],
    ["damaged.xlsx", /damaged\.xlsx is not a workbook that can be read: /],
    ["bomb.xlsx", /is not a workbook that can be read: its 90621 bytes unpack to 90004051, more than 18124200\.$/],
  ])("%s is refused before it is decoded", async (name, message) => {
    const error = await openTable(caseOf(name)).catch((found: Error) => found);
    expect(error).toBeInstanceOf(TableError);
    expect(error).toMatchObject({ code: "invalid", message: expect.stringMatching(message) });
  });

  it("two columns that fail at once are one error", async () => {
    const error = await openTable(caseOf("unhandled.parquet"))
      .then(all)
      .catch((found: Error) => found);
    expect(error).toMatchObject({ name: "TableError", message: expect.stringMatching(/schema element not found/) });
  });

  it("a file that is not there keeps the system's code", async () => {
    await expect(openTable(caseOf("none.parquet"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a table", () => {
  it("of one row group of 200,000 rows is read", async () => {
    const table = await openTable(caseOf("rows-200k.parquet"));
    expect(table.length).toBe(200_000);
    const rows: TableRow[] = [];
    for await (const [row] of table.rows(199_999)) rows.push(row!);
    expect(rows).toEqual([{ index: "x" }]);
    table.close();
  });

  it("with LZ4 pages of nulls alone is read", async () => {
    const rows = await all(await openTable(caseOf("lz4.parquet")));
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ image: { path: null, bytes: expect.any(Uint8Array) } });
  });

  it("gives any rows in any order, over row groups and batches, and one byte where only presence is asked", async () => {
    const path = join(temporaryFolder(), "some.parquet");
    const count = 2500;
    const picture = (at: number) => (at % 3 === 0 ? null : new Uint8Array([at % 256, 7, 8]));
    parquetWriteFile({
      filename: path,
      rowGroupSize: 1200,
      columnData: [
        { name: "n", data: Array.from({ length: count }, (_, at) => at), type: "INT32" },
        {
          name: "image",
          data: Array.from({ length: count }, (_, at) => picture(at)),
          type: "BYTE_ARRAY",
          nullable: true,
        },
      ],
    });
    const table = await openTable(path);
    const between = async (start: number, end: number, bare?: string[]) => {
      const found: TableRow[] = [];
      for await (const rows of table.rows(start, end, bare)) found.push(...rows);
      return found;
    };
    const row = (n: number) => ({ n, image: picture(n) });
    for (const [start, end] of [
      [1190, 2450],
      [0, 1],
      [2499, 2500],
      [5, 5],
      [1200, 1201],
    ] as const)
      expect(await between(start, end)).toEqual(Array.from({ length: end - start }, (_, at) => row(start + at)));
    expect(await between(3, 5, ["image"])).toEqual([
      { n: 3, image: null },
      { n: 4, image: new Uint8Array(1) },
    ]);
    table.close();
  });
});

describe("the bounds", () => {
  it("are of rows, cells, bytes and silence", async () => {
    const path = caseOf("lz4.parquet");
    const refused = (bounds: object) => openTable(path, { bounds }).then(all);
    await expect(refused({ rows: 1 })).rejects.toThrow(/it has 2 rows, at most 1 are read/);
    await expect(refused({ cells: 3 })).rejects.toThrow(/more than the 3 cells/);
    await expect(refused({ bytes: 100 })).rejects.toThrow(/unpack to \d+, more than 100/);
    // No thread starts within no time.
    await expect(refused({ stallMs: 0 })).rejects.toThrow(/nothing was read of it for 0 seconds/);
  });

  it("a signal ends the reading with its reason", async () => {
    const controller = new AbortController();
    const opening = openTable(caseOf("rows-200k.parquet"), { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(opening).rejects.toThrow("enough");
  });
});

it("whatever bytes are changed, a table is read or refused by name", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "changed.parquet");
  const change = fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255));
  const files = ["lz4.parquet", "hang.parquet", "rows-200k.parquet"].map((name) => readFileSync(caseOf(name)));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      async (file, changes) => {
        const bytes = Buffer.from(file);
        for (const [place, value] of changes) bytes[Math.floor(place * bytes.length)] = value;
        writeFileSync(path, bytes);
        const found = await openTable(path, { bounds: { rows: 300_000, cells: 1_000_000, bytes: 2 ** 26 } })
          .then(all)
          .catch((error: unknown) => error);
        expect(Array.isArray(found) || found instanceof TableError, String(found)).toBe(true);
      },
    ),
    { numRuns: 12, seed: 18 },
  );
});
