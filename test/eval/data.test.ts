/** @file Data files: TSV of any shape, JSONL, Parquet, downloads that break, predictions of other tools. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { findData, lmuDataFolder, readPredictions } from "../../src/eval/index.ts";
import { writeTable } from "../../src/eval/report/write-table.ts";
import { downloadFile } from "../../src/hub/index.ts";
import { loadRows } from "../../src/vlmeval/data/load-rows.ts";
import { openSource } from "../../src/vlmeval/data/open-source.ts";
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

const GIB = 2 ** 30;

/** In a process of its own, whose memory is known: rows, the last row's index, its picture's length and MD5, the most memory in MiB. */
const READ_LAST = `
  const [openSource, loadRows, path] = process.argv.slice(1);
  const source = await (await import(openSource)).openSource(path);
  const rows = (await import(loadRows)).loadRows(source, "");
  const last = await rows.load(rows.length - 1);
  const [picture] = last.images;
  const md5 = (await import("node:crypto")).createHash("md5").update(picture).digest("hex");
  console.log(JSON.stringify([rows.length, last.index, picture.length, md5, process.resourceUsage().maxRSS / 1024]));
  rows.close();
`;

describe.runIf(process.env.FLASHVL_LONG)("a TSV file of 2.2 GiB", () => {
  it("is streamed: its last picture has the right bytes, and memory stays small", async () => {
    const path = join(temporaryFolder(), "huge.tsv");
    const pictureOf = (row: number) => Buffer.alloc(9_000_000, `picture ${row} `);
    const cell = Math.ceil(9_000_000 / 3) * 4;
    const count = Math.ceil((2.2 * GIB) / cell);
    async function* text() {
      yield "index\timage\tquestion\n";
      for (let row = 0; row < count; row++) yield `${row}\t${pictureOf(row).toString("base64")}\tQ ${row}\n`;
    }
    await pipeline(text, createWriteStream(path));
    expect(statSync(path).size).toBeGreaterThan(2.2 * GIB);
    const modules = ["open-source", "load-rows"].map(
      (name) => new URL(`../../src/vlmeval/data/${name}.ts`, import.meta.url).href,
    );
    const args = ["--import", "tsx", "--input-type=module", "-e", READ_LAST, ...modules, path];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const [length, index, size, md5, megabytes] = JSON.parse(stdout);
    const right = createHash("md5")
      .update(pictureOf(count - 1))
      .digest("hex");
    expect([length, index, size, md5]).toEqual([count, String(count - 1), 9_000_000, right]);
    console.info(`a TSV of 2.2 GiB: ${Math.round(megabytes)} MiB at most`);
    expect(megabytes).toBeLessThan(500);
  }, 600_000);
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
    writeFileSync(path, '{"index": 1}\n\nnot json\n');
    await expect(openSource(path)).rejects.toThrow(/line 3: not JSON/);
  });

  it("is read with the line ends of any system, a byte order mark, and no end at all", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "set.jsonl");
    const image = await pngBase64();
    const lines = [1, 2, 3].map((index) => JSON.stringify({ index, image, question: "¥", answer: `${index}` }));
    writeFileSync(path, `\uFEFF${lines.join("\r\n\r\n")}`);
    const rows = loadRows(await openSource(path), folder);
    expect([0, 1, 2].map((row) => rows.cells(row).answer)).toEqual(["1", "2", "3"]);
    expect(Buffer.from((await rows.load(2)).images[0] as Uint8Array).toString("base64")).toBe(image);
    rows.close();
    writeFileSync(path, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
    await expect(openSource(path)).rejects.toThrow(/not UTF-8/);
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
    await downloadFile(url, path, { md5, firstDelayMs: 0 });
    expect(readFileSync(path).equals(body)).toBe(true);
    expect(ranges).toEqual([undefined, "bytes=30000-", "bytes=60000-"]);
  });

  it("goes on with what an earlier process left behind", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "Set.tsv");
    const { url, ranges } = await breakingServer(body, body.length, `${path}.part`);
    writeFileSync(`${path}.part`, body.subarray(0, 12_345));
    await downloadFile(url, path, { md5, firstDelayMs: 0 });
    expect(ranges).toEqual(["bytes=12345-"]);
    expect(readFileSync(path).equals(body)).toBe(true);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it("with another MD5 is refused and leaves nothing", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "Set.tsv");
    const { url } = await breakingServer(body, body.length, `${path}.part`);
    await expect(downloadFile(url, path, { md5: "0".repeat(32), firstDelayMs: 1 })).rejects.toThrow(/expected 0{32}/);
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
