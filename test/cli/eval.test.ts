/** @file `flashvl eval` from the command line: predictions scored, compared, reported, scored again; wrong names and flags. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pngBase64, writeTsv } from "../eval/fixtures.ts";
import { type CliRun, runHere } from "./run-cli.ts";

let folder: string;
const inFolder = (...names: string[]) => join(folder, ...names);
const evaluate = (...args: string[]): Promise<CliRun> =>
  runHere(["eval", ...args], { FLASHVL_DATA: folder, FLASHVL_OFFLINE: "1" });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashvl-cli-eval-"));
  const image = await pngBase64();
  const row = (index: number) => ({
    index,
    image,
    question: `Q${index}`,
    A: "one",
    B: "two",
    answer: "A",
    category: "c",
  });
  writeTsv(inFolder("Own.tsv"), [0, 1, 2, 3].map(row));
  const predictions = (letters: string) => [...letters].map((prediction, index) => ({ index, prediction }));
  await writeFile(inFolder("first.json"), JSON.stringify(predictions("AAAB")));
  await writeFile(inFolder("second.json"), JSON.stringify(predictions("ABBB")));
});
afterAll(() => rm(folder, { recursive: true }));

it("scores predictions, compares two files of them, and reports", async () => {
  for (const [name, accuracy] of [
    ["first", 75],
    ["second", 25],
  ] as const) {
    const run = await evaluate("Own", "--predictions", inFolder(`${name}.json`), "--out", folder, "--json");
    expect(run.code, run.stderr).toBe(0);
    const [result] = JSON.parse(run.stdout);
    expect(result).toMatchObject({ dataset: "Own", rows: 4, decisions: { rule: 4 }, judge: null });
    expect(result.metrics[0].value).toBe(accuracy);
  }
  expect(await readdir(inFolder("first"))).toEqual(
    expect.arrayContaining(["Own", "first_Own.xlsx", "first_Own_acc.csv", "report.md", "results.json"]),
  );
  const compared = await evaluate("compare", inFolder("first"), inFolder("second"), "--json");
  expect(JSON.parse(compared.stdout)[0]).toMatchObject({
    dataset: "Own",
    units: 4,
    onlyFirst: 2,
    onlySecond: 0,
    p: 0.5,
  });
  expect((await evaluate("compare", inFolder("first"), inFolder("second"))).stdout).toMatch(/Own .*p = 0\.5/);
  // From the first to the second it went down.
  expect((await evaluate("compare", inFolder("first"), inFolder("second"))).stdout).toContain(
    "Own Overall: first 75.00, second 25.00, difference -50.00 (95 %: ",
  );
  expect((await evaluate("report", inFolder("second"))).stdout).toContain("| Own | **Overall** | 25.00 |");
});

it("scores a run again under its own prompt and other rules, and renews the report", async () => {
  const scored = ["--predictions", inFolder("first.json"), "--out", inFolder("again")];
  expect((await evaluate("Own", ...scored, "--prompt", "flashvl")).code).toBe(0);
  const run = await evaluate("rescore", inFolder("again", "first", "Own"), "--mode", "correct", "--json");
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(run.stdout)).toMatchObject({ prompt: "flashvl", rules: { mode: "correct" } });
  expect(await readFile(inFolder("again", "first", "report.md"), "utf8")).toContain("mode correct");
});

it("says what was asked, how it was read, how sure it is and what it left open; in files under VLMEvalKit's columns", async () => {
  // Two right, one wrong; the last says neither a letter near its end nor an option's text.
  const replies = ["A", "The answer is (A).", "B", "A is what I would say about this one"];
  const rows = replies.map((prediction, index) => ({ index, prediction }));
  await writeFile(inFolder("open.json"), JSON.stringify(rows));
  const run = await evaluate("Own", "--predictions", inFolder("open.json"), "--out", folder, "--format", "tsv");
  expect(run.code, run.stderr).toBe(0);
  expect(run.stdout).toContain("Own (4 rows; 3 by rules, 0 by the judge, 1 undecided; no judge)");
  expect(run.stdout).toMatch(/\* Overall: 50\.00 % \(95 %: \d+\.\d\d to \d+\.\d\d\), 4 units/);
  const report = await readFile(inFolder("open", "report.md"), "utf8");
  expect(report).toMatch(/\| Own \| \*\*Overall\*\* \| 50\.00 \| \d+\.\d\d – \d+\.\d\d \| 4 \|/);
  expect(report).toContain("Prompt recommended, matcher 2026-06, mode compat");
  expect(report).toContain("3 decided by rules, 0 by the judge, 1 left undecided and counted as wrong");
  const judged = await readFile(inFolder("open", "open_Own_exact_matching_result.tsv"), "utf8");
  // Quoted throughout, as upstream's are.
  const columns = "index question A B answer category prediction hit log".split(" ");
  expect(judged.split("\n")[0]).toBe(columns.map((name) => `"${name}"`).join("\t"));
  expect(await readFile(inFolder("open", "Own", "categories.svg"), "utf8")).toContain(">c (4)</text>");

  // The first matcher took a letter wherever it stood.
  const again = await evaluate("rescore", inFolder("open", "Own"), "--matcher", "2025-05", "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({
    rules: { matcher: "2025-05" },
    decisions: { rule: 4, undecided: 0 },
    metrics: [{ name: "Overall", value: 75 }],
  });
  expect(await readFile(inFolder("open", "report.md"), "utf8")).toContain("matcher 2025-05");
  const unknown = await evaluate("rescore", inFolder("open", "Own"), "--matcher", "x");
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringMatching(/--matcher is "x"; expected 2025-05/) });
});

it("scores the workbook that an earlier run wrote as that run was scored", async () => {
  const scored = ["Own", "--json", "--no-html"];
  const first = await evaluate(...scored, "--predictions", inFolder("first.json"), "--out", inFolder("old"));
  const workbook = inFolder("old", "first", "first_Own.xlsx");
  const second = await evaluate(...scored, "--predictions", workbook, "--out", inFolder("new"));
  const [before, after] = [first, second].map(({ stdout }) => JSON.parse(stdout)[0]);
  expect(after).toEqual({ ...before, model: "first_Own" });
  expect(after.metrics[0].value).toBe(75);
});

describe("a task by the path of its module", () => {
  const task = fileURLToPath(new URL("../eval/sums-task.ts", import.meta.url));
  const answers = (...texts: string[]) => JSON.stringify(texts.map((prediction, index) => ({ index, prediction })));

  it("is asked and scored as a set is, and scored again from its run", async () => {
    await writeFile(inFolder("sums.json"), answers("10", "11", "12", "-"));
    const run = await evaluate(task, "--predictions", inFolder("sums.json"), "--out", inFolder("task"), "--json");
    expect(run.code, run.stderr).toBe(0);
    const [result] = JSON.parse(run.stdout);
    expect(result).toMatchObject({ dataset: "sums", rows: 4, categories: [{ name: "even" }, { name: "odd" }] });
    expect(result.metrics.map(({ value }: { value: number }) => value)).toEqual([75, 100, 50]);
    const again = await evaluate("rescore", inFolder("task", "sums", "sums"), "--json");
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout).metrics).toEqual(result.metrics);
  });

  it("is another export where one is named, which may be made later", async () => {
    await writeFile(inFolder("hard.json"), answers("1000", "1001"));
    const args = [`${task}#hard`, "--predictions", inFolder("hard.json"), "--out", inFolder("task"), "--json"];
    const [result] = JSON.parse((await evaluate(...args)).stdout);
    expect(result).toMatchObject({ dataset: "sums/hard", rows: 2 });
    const again = await evaluate("rescore", inFolder("task", "hard", "sums_hard"), "--json");
    expect(JSON.parse(again.stdout).metrics[0].value).toBe(100);
  });

  it.each([
    ["none.ts", 3, /The task none\.ts is not there\./],
    [`${task}#harder`, 4, /sums-task\.ts has no export "harder"; it has default, hard, limit/],
    [`${task}#limit`, 4, /The export "limit" of .*sums-task\.ts is no task\. Expected \{ name, rows, prompt, score \}/],
  ])("%s is refused", async (name, code, message) => {
    const run = await evaluate(name, "--predictions", inFolder("first.json"), "--out", inFolder("none"));
    expect(run).toMatchObject({ code, stderr: expect.stringMatching(message) });
  });
});

it("gives for the shards of a set what it gives for the whole", async () => {
  const args = ["Own", "--predictions", inFolder("first.json"), "--out"];
  const open = await evaluate(...args, inFolder("shards"), "--shard", "0/2");
  expect(open).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("Own: rows are still open") });
  expect((await readdir(inFolder("shards", "first", "Own"))).sort()).toEqual([
    "answers.0-of-2.jsonl",
    "run.json",
    "times.jsonl",
  ]);
  const shards = await evaluate(...args, inFolder("shards"), "--shard", "1/2");
  const whole = await evaluate(...args, inFolder("whole"));
  expect(shards).toEqual(whole);
  const files = (await readdir(inFolder("whole", "first", "Own"))).sort();
  expect((await readdir(inFolder("shards", "first", "Own"))).sort()).toEqual(files);
  for (const name of files.filter((file) => file !== "times.jsonl")) {
    const [one, other] = await Promise.all(
      ["shards", "whole"].map((out) => readFile(inFolder(out, "first", "Own", name), "utf8")),
    );
    expect(one, name).toBe(other);
  }
});

it("does not score a set with failed rows, unless they shall count as wrong", async () => {
  await writeFile(inFolder("part.json"), JSON.stringify([0, 1, 2].map((index) => ({ index, prediction: "A" }))));
  const args = ["Own", "--predictions", inFolder("part.json"), "--out", inFolder("part"), "--json"];
  const open = await evaluate(...args);
  expect(open.code).toBe(4);
  expect(open.stderr).toMatch(/part\.json has no row with index 3.*--keep-failed/);
  const kept = await evaluate(...args, "--keep-failed");
  expect(kept.code).toBe(0);
  const [result] = JSON.parse(kept.stdout);
  expect(result.metrics[0].value).toBe(75);
  expect(result.warnings).toContainEqual(expect.stringContaining("1 rows have no answer"));
  // It stays open: the next run asks for it again.
  expect((await evaluate(...args)).code).toBe(4);
});

it("scores a data file named by its path, and scores it again", async () => {
  await mkdir(inFolder("elsewhere"));
  const data = inFolder("elsewhere", "meters.tsv");
  await copyFile(inFolder("Own.tsv"), data);
  const run = await evaluate(data, "--predictions", inFolder("first.json"), "--out", inFolder("path"), "--json");
  expect(run.code, run.stderr).toBe(0);
  expect(JSON.parse(run.stdout)[0]).toMatchObject({ dataset: "meters", rows: 4 });
  const again = await evaluate("rescore", inFolder("path", "first", "meters"), "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ dataset: "meters", rows: 4 });
  expect(await evaluate(inFolder("none.tsv"), "--predictions", inFolder("first.json"))).toMatchObject({ code: 3 });
});

it("reads predictions as pandas writes them, and notes a row without an answer", async () => {
  const cases = fileURLToPath(new URL("../eval/cases", import.meta.url));
  for (const name of ["NanAnswer", "FloatIndex"]) {
    const args = ["NanAnswer", "--data", cases, "--offline", "--no-html", "--out", inFolder(name), "--json"];
    const run = await evaluate(...args, "--predictions", join(cases, `${name}-predictions.tsv`));
    expect(run.code, run.stderr).toBe(0);
    const [result] = JSON.parse(run.stdout);
    expect(result.metrics[0].value).toBeCloseTo(200 / 3, 10);
    expect(result.warnings).toContainEqual(expect.stringMatching(/^Row 1 has no answer in the data file/));
  }
});

it("names what is wrong in a file of predictions", async () => {
  const wrong: [string, RegExp][] = [
    ["[1,null]", /expected a list of rows, each an object with index and prediction; found 1/],
    ["[null]", /expected a list of rows.*found null/],
    ["1", /expected a list of rows/],
    ["null", /expected a list of rows/],
    ["[{", /wrong\.json is not JSON/],
    ['[{"index":0}]', /expected index and prediction/],
    ['{"index":[0],"prediction":[]}', /not two lists of one length/],
    ['{"index":1,"prediction":2}', /not two lists/],
  ];
  const tables = fileURLToPath(new URL("../tables/cases", import.meta.url));
  for (const name of ["damaged.xlsx", "bomb.xlsx"]) {
    const run = await evaluate("Own", "--predictions", join(tables, name), "--out", inFolder("w"));
    expect(run, name).toMatchObject({ code: 4, stderr: expect.stringContaining("is not a workbook that can be read") });
  }
  const hanging = await evaluate("hang", "--data", tables, "--predictions", inFolder("first.json"));
  expect(hanging).toMatchObject({ code: 4, stderr: expect.stringContaining("is not Parquet that can be read") });
  for (const [text, message] of wrong) {
    await writeFile(inFolder("wrong.json"), text);
    const run = await evaluate("Own", "--predictions", inFolder("wrong.json"), "--out", inFolder("w"));
    expect(run.stderr, text).toMatch(message);
    expect(run.code, text).toBe(4);
  }
});

it("names what is wrong: sets, flags, files, folders", async () => {
  const wrong: [string[], number, RegExp][] = [
    [[], 2, /Which sets\?/],
    [["Own", "--mode", "best"], 2, /--mode is "best"; expected compat, correct/],
    [["Own", "--prompt", "mine"], 2, /--prompt is "mine"; expected flashvl/],
    [["Own", "market", "--predictions", inFolder("first.json")], 2, /one set; name one/],
    [["Own", "--openai", "http://127.0.0.1:1/v1"], 2, /--openai needs --openai-model/],
    [["Own", "--shard", "4/4"], 2, /shard/i],
    [["NoSuchSet"], 3, /no data file in/],
    [["Own", "--predictions", inFolder("none.json")], 3, /none\.json/],
    [["Own", "--predictions", inFolder("Own.tsv")], 4, /expected index and prediction/],
    [["compare", folder, inFolder("first")], 4, /holds no scored run/],
    [["compare", inFolder("nowhere"), inFolder("first")], 3, /no such folder/],
    [["report", inFolder("nowhere")], 3, /no such folder/],
    [["rescore", folder], 4, /holds no run/],
  ];
  for (const [args, code, message] of wrong) {
    const run = await evaluate(
      ...args,
      ...(args[0] === "compare" || args[0] === "report" ? [] : ["--out", inFolder("w")]),
    );
    expect(run.stderr, args.join(" ")).toMatch(message);
    expect(run.code, `${args.join(" ")}: ${run.stderr}`).toBe(code);
  }
  expect((await evaluate("list", "--json")).stdout).toContain('"MMStar"');
});
