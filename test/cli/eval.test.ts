/** @file `flashvl eval` from the command line: predictions scored, compared, reported, scored again; wrong names and flags. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
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
