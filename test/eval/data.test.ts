/** @file Data files: TSV of any shape, JSONL, Parquet, downloads that break, predictions of other tools. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { download, findData, lmuDataFolder, readPredictions } from "../../src/eval/index.ts";
import { writeTable } from "../../src/eval/report/write-table.ts";
import { loadRows } from "../../src/tasks/vlmeval/data/load-rows.ts";
import { openSource } from "../../src/tasks/vlmeval/data/open-source.ts";
import { pngBase64, temporaryFolder, writeTsv } from "./fixtures.ts";

describe("a TSV file", () => {
  it("gives back any texts that pandas can write", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "any.tsv");
    // A letter in front keeps texts from being numbers, truths or missing words.
    const text = fc.string({ unit: "grapheme", maxLength: 40 }).map((value) => `x${value.replaceAll("\r", "")}`);
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 8 }), async (texts) => {
        writeTsv(
          path,
          texts.map((question, index) => ({ index, question })),
        );
        const source = await openSource(path);
        expect(Array.from({ length: source.length }, (_, row) => source.cells(row).question)).toEqual(texts);
        source.close();
      }),
      { numRuns: 60 },
    );
  });

  it("is read in pieces: cells longer than the buffer, pictures only when asked for", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "big.tsv");
    const big = Buffer.alloc(9_000_000, 7).toString("base64");
    writeTsv(path, [
      { index: 1, image: big, question: "long\ncell" },
      { index: 2, image: "1", question: "é after a long cell" },
    ]);
    const source = await openSource(path);
    const rows = loadRows(source, folder);
    expect(rows.cells(1).question).toBe("é after a long cell");
    expect(((await rows.load(1)).images[0] as Uint8Array).length).toBe(9_000_000);
    rows.close();
  });

  it("refuses a reference to a row without a picture", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "bad.tsv");
    writeTsv(path, [{ index: 1, image: "7", question: "q" }]);
    const rows = loadRows(await openSource(path), folder);
    await expect(rows.load(0)).rejects.toThrow(/names no row with a picture/);
    rows.close();
  });
});

describe("a JSONL file", () => {
  it("serves rows and pictures, and says which line is broken", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "set.jsonl");
    const image = await pngBase64();
    writeFileSync(
      path,
      `${JSON.stringify({ index: 5, image, question: "é?", answer: 1.5 })}\n\n${JSON.stringify({ index: 6, image: [image, image], question: "two", answer: ["a"] })}\n`,
    );
    const rows = loadRows(await openSource(path), folder);
    expect([rows.index(0), rows.cells(0).answer, rows.cells(1).answer]).toEqual(["5", "1.5", "['a']"]);
    expect((await rows.load(1)).images).toHaveLength(2);
    expect(Buffer.from((await rows.load(0)).images[0] as Uint8Array).toString("base64")).toBe(image);
    rows.close();
    writeFileSync(path, '{"index": 1}\nnot json\n');
    await expect(openSource(path)).rejects.toThrow(/line 2: not JSON/);
  });
});

describe("a Parquet file", () => {
  it("serves rows and nested pictures, and drops rows without one", async () => {
    // Three rows written by pyarrow with Hugging Face's image structs, the last one null.
    const rows = loadRows(await openSource(fileURLToPath(new URL("rows.parquet", import.meta.url))), "");
    expect([rows.length, rows.cells(0).question, rows.cells(1).answer, rows.cells(0).options]).toEqual([
      2,
      "a é",
      null,
      "['p', 'q']",
    ]);
    const [picture] = (await rows.load(1)).images as Uint8Array[];
    expect([...picture!.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
    rows.close();
  });
});

/** A server that breaks off every answer after `step` bytes, as soon as they are in the file `part`; serves ranges. */
async function breakingServer(
  body: Buffer,
  step: number,
  part: string,
): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": body.length - from });
    if (from + step >= body.length) return response.end(body.subarray(from));
    response.write(body.subarray(from, from + step));
    const breakOff = () => {
      if (existsSync(part) && statSync(part).size === from + step) response.destroy();
      else setTimeout(breakOff, 1);
    };
    breakOff();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/Set.tsv`, ranges };
}

describe("a download", () => {
  const body = Buffer.from("index\tquestion\n".repeat(5000));
  const md5 = createHash("md5").update(body).digest("hex");

  it("goes on where it broke off, and is in place only when whole", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "Set.tsv");
    const { url, ranges } = await breakingServer(body, 30_000, `${path}.part`);
    await download(url, path, { md5, firstDelayMs: 0 });
    expect(readFileSync(path).equals(body)).toBe(true);
    expect(ranges).toEqual([undefined, "bytes=30000-", "bytes=60000-"]);
  });

  it("with another MD5 is refused and leaves nothing", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "Set.tsv");
    const { url } = await breakingServer(body, body.length, `${path}.part`);
    await expect(download(url, path, { md5: "0".repeat(32), firstDelayMs: 1 })).rejects.toThrow(/expected 0{32}/);
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, false]);
  });
});

describe("the data folder", () => {
  it("serves one file to several sets without moving it, and keeps a file that differs from the published one", async () => {
    const folder = temporaryFolder();
    const url = "https://example.org/Shared.tsv";
    writeFileSync(join(folder, "Shared.tsv"), "x");
    const md5 = createHash("md5").update("x").digest("hex");
    for (const name of ["First", "Second"]) {
      expect(await findData({ name, url, md5 }, { folder })).toEqual({
        path: join(folder, "Shared.tsv"),
        md5,
        asPublished: true,
      });
    }
    writeFileSync(join(folder, "Own.tsv"), "y");
    expect((await findData({ name: "Own", url, md5 }, { folder })).asPublished).toBe(false);
    await expect(findData({ name: "None" }, { folder })).rejects.toThrow(/Put None.tsv there/);
    expect(lmuDataFolder({ LMUData: folder })).toBe(folder);
    expect(lmuDataFolder({ LMUData: join(folder, "missing") })).toMatch(/LMUData$/);
  });
});

describe("a predictions file", () => {
  it("is read from xlsx, tsv, json and jsonl alike", async () => {
    const folder = temporaryFolder();
    const rows = [
      { index: 1, prediction: 'a "b"\nc' },
      { index: 2, prediction: "B" },
    ];
    const table = { columns: ["index", "prediction"], rows };
    for (const name of ["p.xlsx", "p.tsv", "p.json"]) {
      await writeTable(table, join(folder, name));
      expect([...(await readPredictions(join(folder, name)))], name).toEqual([
        ["1", 'a "b"\nc'],
        ["2", "B"],
      ]);
    }
    writeFileSync(join(folder, "p.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    expect((await readPredictions(join(folder, "p.jsonl"))).get("2")).toBe("B");
    writeFileSync(join(folder, "q.json"), '[{"id": 1}]');
    await expect(readPredictions(join(folder, "q.json"))).rejects.toThrow(/expected index and prediction/);
  });
});
