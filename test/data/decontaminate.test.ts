/** @file Rows that benchmark sets test go, by their pictures and by their questions, and the report says which and why. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HashTable } from "../../src/data/measure/hash-table.ts";
import { runSteps } from "./run-steps.ts";

let folder: string;
const ASKED = "how many bright green apples are lying on the small wooden table";
const PHRASE = "answer the question using a single word or phrase only please";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-decontaminate-"));
  const draw = (seed: number) => {
    const fields = Uint8Array.from({ length: 75 }, (_, i) => Math.imul(seed * 75 + i + 1, 0x9e3779b1) >>> 24);
    return sharp(fields, { raw: { width: 5, height: 5, channels: 3 } }).resize(100, 80, { fit: "fill" });
  };
  const tested = await draw(1).png().toBuffer();
  await sharp(tested).resize(70, 60, { fit: "fill" }).jpeg({ quality: 60 }).toFile(join(folder, "tested.jpg"));
  await draw(2).png().toFile(join(folder, "other.png"));
  const tsv = [
    "index\tquestion\tanswer\timage",
    `7\t${ASKED}?\t3\t${tested.toString("base64")}`,
    `8\tWhat is this? ${PHRASE}\tcat\t7`,
    `9\tWhat is it?\tdog\t7`,
  ];
  await writeFile(join(folder, "Small.tsv"), `${tsv.join("\n")}\n`);
  const filler = Array.from({ length: 5 }, (_, i) => ({ id: 10 + i, question: `Is it ${i}? ${PHRASE}`, answer: "no" }));
  const rows = [
    { id: 1, image: "tested.jpg", question: "Which colours are there?", answer: "many" },
    {
      id: 2,
      image: "other.png",
      question: `Look: HOW many bright, green apples are lying on the small table?`,
      answer: "3",
    },
    { id: 3, image: "other.png", question: `Now say how many bright green apples are lying on the chair`, answer: "3" },
    { id: 4, image: "other.png", question: "What is it?", answer: "dog" },
    { id: 5, image: "missing.png", question: "What is missing here?", answer: ASKED },
    ...filler,
  ];
  await writeFile(join(folder, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));

const run = (decontaminate: object) =>
  runSteps(folder, [{ name: "d", decontaminate: { from: "rows.jsonl", ...decontaminate } }]);
const idsOf = (rows: readonly Record<string, unknown>[]) => rows.map(({ id }) => id);

test("pictures by hash, questions by runs of words, with what they met; short questions say nothing", async () => {
  const { rows, results } = await run({ sets: ["Small.tsv"], common: 3 });
  expect(idsOf(await rows("d.jsonl"))).toEqual([4, 5, 10, 11, 12, 13, 14]);
  expect(results[0]!.details).toMatchObject({ sets: 1, tested: 3, byQuestion: 2, byPicture: 1 });
  const report = await rows("d.report.jsonl");
  expect(report.slice(0, 3)).toEqual(
    [
      { row: 1, why: "picture", set: "Small", index: "7" },
      { row: 2, why: "question", set: "Small", index: "7", runs: 3 },
      { row: 3, why: "question", set: "Small", index: "7", runs: 2 },
    ].map((line) => expect.objectContaining(line)),
  );
  expect(report.slice(3).map(({ why }) => why)).toEqual(Array(4).fill("common run of words, left alone"));
  expect(results[0]!.inputs).toHaveProperty([join(folder, "Small.tsv")]);
});

test("a turn of phrase counts where it is rare; each kind can be left alone", async () => {
  const { rows } = await run({ sets: ["Small.tsv"], pictures: false });
  expect(idsOf(await rows("d.jsonl"))).toEqual([1, 4, 5]);
  expect(idsOf(await (await run({ sets: ["Small.tsv"], words: false })).rows("d.jsonl"))).not.toContain(1);
  expect(idsOf(await (await run({ sets: ["Small.tsv"], words: 12, pictures: false })).rows("d.jsonl"))).toHaveLength(
    10,
  );
});

test("a set is named by its file or by its name in VLMEvalKit's folder, and an unknown one is refused", async () => {
  await expect(run({ sets: ["None.tsv"] })).rejects.toThrow(/there is no file .*None\.tsv and no set "None\.tsv"/);
  await mkdir(join(folder, "LMU"), { recursive: true });
  const before = process.env.LMUData;
  process.env.LMUData = join(folder, "LMU");
  try {
    await expect(run({ sets: ["MMStar"] })).rejects.toThrow(/MMStar: no data file in .*LMU and downloads are off/);
    await writeFile(join(folder, "LMU", "MMStar.tsv"), `index\tquestion\timage\n1\t${ASKED}\t${"A".repeat(100)}\n`);
    expect((await run({ sets: ["MMStar"] })).results[0]!.details).toMatchObject({ tested: 1, byQuestion: 2 });
  } finally {
    if (before === undefined) delete process.env.LMUData;
    else process.env.LMUData = before;
  }
});

test("the table of hashes that threads share finds what was added, and nothing else", () => {
  const table = HashTable.forAtMost(500);
  const number = (i: number) => Math.imul(i + 1, 0x9e3779b1) >>> 0;
  const places = Array.from({ length: 500 }, (_, i) => table.add(number(i), i % 7));
  expect(new Set(places).size).toBe(500);
  const again = new HashTable(table.shared);
  for (let i = 0; i < 500; i++) expect(again.find(number(i), i % 7)).toBe(places[i]);
  for (let i = 500; i < 1000; i++) expect(again.find(number(i), i % 7)).toBeUndefined();
});
