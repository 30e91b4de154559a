/** @file Pipelines over training files: what each step keeps, that rows leave as they came, and that runs go on where they were. */

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { readPipeline, runPipeline } from "../../src/data/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-data-"));
});
afterAll(() => rm(folder, { recursive: true }));

let runs = 0;
/** Runs steps over the files of the folder. @returns the folder of the outputs, and what was told of each step */
async function run(steps: object[], out = join(folder, `out${runs++}`), more: object = {}) {
  const path = join(folder, `pipeline${runs++}.yaml`);
  await writeFile(path, stringify({ steps }));
  const results = await runPipeline(await readPipeline(path), { out, threads: 2, ...more });
  const lines = async (name: string) => (await readFile(join(out, `${name}.jsonl`), "utf8")).trimEnd().split("\n");
  return { out, results, lines };
}

const ROWS = [
  `{"image": "a.png",  "question": "Which colour?", "answer": "red", "score": 1.0}`,
  `{"question":"Wh\\u0065n, \\"then\\"?\\n","answer":"now","id":12345678901234567890123}`,
  `{"image":"a.png","question":"Which colour?","answer":"blue","score":0.25}`,
  `{"image":"b.png","question":"Which colour?","answer":"red","score":null,"conversations":[{"from":"human"}]}`,
  `{"answer":"red"}`,
  `{"answer":"red"}`,
];

describe("rows of JSON Lines", () => {
  beforeAll(() => writeFile(join(folder, "rows.jsonl"), `${ROWS.join("\n")}\n\n`));

  test("leave a filter as they came, to the last byte and in their order", async () => {
    const all = await run([{ name: "all", filter: { from: "rows.jsonl", where: "true" } }]);
    expect(await all.lines("all")).toEqual(ROWS);
    const some = await run([
      { name: "some", filter: { from: "rows.jsonl", where: "score > 0.5 OR answer = 'now' -- a comment" } },
    ]);
    expect(await some.lines("some")).toEqual([ROWS[0], ROWS[1]]);
    expect(some.results[0]).toMatchObject({ rowsIn: 6, rowsOut: 2, reused: false });
    await writeFile(join(folder, "odd.jsonl"), '{"a\\"b.c":1,"x":"s"}\n{"a\\"b.c":2.5,"x":[1]}\n');
    const odd = { from: "odd.jsonl", where: `"a""b.c" > 2 AND (x->>'$[0]') = '1'` };
    expect(await (await run([{ name: "odd", filter: odd }])).lines("odd")).toEqual(['{"a\\"b.c":2.5,"x":[1]}']);
    const nested = { from: "rows.jsonl", where: "conversations->>'$[0].from' = 'human'" };
    expect(await (await run([{ name: "nested", filter: nested }])).lines("nested")).toEqual([ROWS[3]]);
  });

  test("agree in all expressions to be duplicates: the first stays, and so do rows that have none of them", async () => {
    const both = await run([{ name: "u", dedup: { from: "rows.jsonl", by: ["image", "lower(question)"] } }]);
    expect(await both.lines("u")).toEqual([ROWS[0], ROWS[1], ROWS[3], ROWS[4], ROWS[5]]);
    const answers = await run([{ name: "u", dedup: { from: "rows.jsonl", by: ["answer"] } }]);
    expect(await answers.lines("u")).toEqual([ROWS[0], ROWS[1], ROWS[2]]);
  });

  test("that are not JSON, an expression that is none and a file that is not there end with the step's name", async () => {
    await writeFile(join(folder, "bad.jsonl"), '{"a":1}\n{"a":\n');
    const bad = (from: string, where: string) => run([{ name: "x", filter: { from, where } }]);
    await expect(bad("bad.jsonl", "true")).rejects.toThrow(/^step "x": .*bad\.jsonl/s);
    await writeFile(join(folder, "list.jsonl"), '{"a":1}\n[2]\n');
    await expect(bad("list.jsonl", "true")).rejects.toThrow(
      /list\.jsonl.* has a line of type ARRAY, expected a JSON object/,
    );
    await expect(bad("rows.jsonl", "colour = 1")).rejects.toThrow(/^step "x": .*"colour" not found/s);
    await expect(bad("none.jsonl", "true")).rejects.toThrow(/^step "x": no file is named .*none\.jsonl/);
    await expect(bad("pipeline*.yaml", "true")).rejects.toThrow(/found .yaml, expected files that all end in .jsonl/);
  });
});

describe("a mix", () => {
  const source = (letter: string, n: number) => Array.from({ length: n }, (_, i) => `{"${letter}":${i}}`);
  beforeAll(async () => {
    await writeFile(join(folder, "m-a.jsonl"), source("a", 10).join("\n"));
    await writeFile(join(folder, "m-b.jsonl"), source("b", 40).join("\n"));
  });
  const mixed = async (mix: object) => (await run([{ name: "m", mix }])).lines("m");

  test("takes rows as often as weights say, no more than the cap, and the same for the same seed alone", async () => {
    const mix = (seed: number) => ({
      seed,
      sources: [
        { from: "m-a.jsonl", weight: 2.5 },
        { from: "m-b.jsonl", weight: 0.5, cap: 15 },
      ],
    });
    const lines = await mixed(mix(1));
    const counts = new Map<string, number>();
    for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
    const of = (letter: string) => [...counts].filter(([line]) => line.includes(letter)).map(([, n]) => n);
    expect(of("a").sort()).toEqual([2, 2, 2, 2, 2, 3, 3, 3, 3, 3]);
    expect(of("b")).toEqual(Array(15).fill(1));
    expect(await mixed(mix(1))).toEqual(lines);
    expect(await mixed(mix(2))).not.toEqual(lines);
    expect(lines.slice(0, 25).some((line) => line.includes("b"))).toBe(true);
  });

  test("is source by source where it is not shuffled", async () => {
    const sources = [{ from: "m-b.jsonl", cap: 40 }, { from: "m-a.jsonl" }];
    expect(await mixed({ sources, shuffle: false })).toEqual([...source("b", 40), ...source("a", 10)]);
  });
});

test("Parquet stays Parquet, with its columns, and a step reads what an earlier one made", async () => {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const file = join(folder, "p.parquet");
  await connection.run(
    `COPY (SELECT i AS id, 'q' || i % 3 AS question, 'x'::BLOB AS picture FROM range(9) t(i)) TO '${file}'`,
  );
  const { out, results } = await run([
    { name: "late", filter: { from: "p.parquet", where: "id >= 2" } },
    { name: "unique", dedup: { from: "late", by: ["question"] } },
  ]);
  expect(results.map(({ rowsOut }) => rowsOut)).toEqual([7, 3]);
  const read = await connection.runAndReadAll(`SELECT * FROM '${join(out, "unique.parquet")}'`);
  expect(read.columnNames()).toEqual(["id", "question", "picture"]);
  expect(read.getRows().map(([id]) => Number(id))).toEqual([2, 3, 4]);
  connection.closeSync();
  instance.closeSync();
});

test("steps that are done are left out, and run again when their input, their words or their output changed", async () => {
  const input = join(folder, "again.jsonl");
  await writeFile(input, ROWS.join("\n"));
  const steps = (where: string) => [
    { name: "first", filter: { from: "again.jsonl", where } },
    { name: "second", dedup: { from: "first", by: ["answer"] } },
  ];
  const out = join(folder, "again");
  const reused = async (where: string) => (await run(steps(where), out)).results.map((result) => result.reused);
  expect(await reused("true")).toEqual([false, false]);
  const made = (await stat(join(out, "second.jsonl"))).mtimeMs;
  expect(await reused("true")).toEqual([true, true]);
  expect((await stat(join(out, "second.jsonl"))).mtimeMs).toBe(made);
  expect(await reused("1 = 1")).toEqual([false, true]); // other words, the same rows
  await writeFile(join(out, "second.jsonl"), "cut");
  expect(await reused("1 = 1")).toEqual([true, false]);
  await writeFile(input, ROWS.slice(1).join("\n"));
  expect(await reused("1 = 1")).toEqual([false, false]);
  expect(await readFile(input, "utf8")).toBe(ROWS.slice(1).join("\n"));
  expect((await readdir(out)).sort()).toEqual(
    ["first", "second"].flatMap((name) => [`${name}.jsonl`, `${name}.manifest.json`]),
  );
});

test("a run that is stopped leaves no half output", async () => {
  const stop = new AbortController();
  stop.abort(new Error("stopped"));
  const out = join(folder, "stopped");
  const steps = [{ name: "x", filter: { from: "rows.jsonl", where: "true" } }];
  await expect(run(steps, out, { signal: stop.signal })).rejects.toThrow("stopped");
  expect(await readdir(out)).toEqual([]);
});

test.each([
  [{ steps: [] }, /steps: /],
  [{ steps: [{ name: "a", filter: { from: "x" } }] }, /steps\.0\.filter\.where: /],
  [
    { steps: [{ name: "a", clean: {} }] },
    /steps\.0: expected a name and one of filter, dedup, decontaminate, mix, sample, inspect/,
  ],
  [{ steps: [{ name: "a/b", filter: { from: "x", where: "true" } }] }, /name: expected a name of letters/],
  [
    { steps: ["b", "a"].map((from, i) => ({ name: "ab"[i], filter: { from, where: "true" } })) },
    /the step "a" reads "b", which is not made before it/,
  ],
  [{ steps: ["x", "y"].map((from) => ({ name: "a", filter: { from, where: "true" } })) }, /two steps are called "a"/],
])("%j is refused", async (content, message) => {
  const path = join(folder, "wrong.yaml");
  await writeFile(path, stringify(content));
  await expect(readPipeline(path)).rejects.toThrow(message);
});
