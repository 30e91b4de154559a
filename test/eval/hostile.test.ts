/** @file Hostile replies and files: nothing hangs, crashes, runs code or reaches the report as markup. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { evaluate, openBench } from "../../src/eval/index.ts";
import { writeHtml } from "../../src/eval/report/write-html.ts";
import { EquivalenceChecker } from "../../src/tasks/index.ts";
import { DEFAULT_RULES, runProgram, SCORING_MODES, VLM_SETS } from "../../src/vlmeval/index.ts";
import { pythonEqual } from "../../src/vlmeval/maths/python-equal.ts";
import { PythonError } from "../../src/vlmeval/python/errors.ts";
import { parsePyLiteral } from "../../src/vlmeval/python/literal.ts";
import { hasBrowser, openBrowser } from "../serve/browser.ts";
import { pngBase64, scriptedAnswerer, temporaryFolder, writeTsv } from "./fixtures.ts";

/** Long enough that quadratic time would show as a test that never ends. */
const LONG = 200_000;
const HOSTILE = [
  "9^{9^{9}}",
  "9**9**9**9",
  "1<<10**10",
  "__import__('os').system('touch /tmp/pwned')",
  "process.exit(1)",
  "(".repeat(50_000),
  "[".repeat(50_000),
  "\\frac{".repeat(20_000),
  `{"short answer": ${"[".repeat(20_000)}`,
  "a".repeat(LONG),
  " ".repeat(LONG),
  `answer is${" ".repeat(LONG)}x`,
  `answer ${"is ".repeat(LONG / 4)}`,
  "Answer:\n".repeat(LONG / 10),
  "*".repeat(LONG),
  `${"1,".repeat(LONG / 4)}1`,
  `1${"_1".repeat(LONG / 4)}`,
  `${"\\".repeat(LONG / 2)}"`,
  "\ud800\udfff\ud800",
  "\0\x01\u2028</script><script>alert(1)</script>",
  "😀".repeat(LONG / 4),
  "NaN",
  "-Infinity",
  "",
];

/** A row that has every column any set asks for. */
const ROW: Record<string, string | null> = {
  question: "Q",
  answer: "5",
  A: "one",
  B: "two",
  choices: "[]",
  category: "OCR",
  question_type: "free_form",
  answer_type: "float",
  answer_option: null,
  task: "t",
  skills: "['s']",
  metadata: "{'subject': 'a', 'subfield': 'b'}",
  problem_version: "Vision Only",
  question_for_eval: "Q",
  ID: "g",
  key: "2steps_1",
  "knowledge concept": "Rotation",
  qid: "1",
  varid: "1",
};

describe("hostile replies", () => {
  it.each(SCORING_MODES)("are scored by every set in %s mode", async (mode) => {
    const rules = { ...DEFAULT_RULES, mode };
    // One set of each way of scoring; the others share theirs.
    const names = [
      "MMStar",
      "MMBench_DEV_EN",
      "MMMU_Pro_10c_COT",
      "WeMath",
      "DynaMath",
      "MathVision",
      "MathVista_MINI",
      "MathVerse_MINI",
      "MME",
      "OCRBench",
      "TextVQA_VAL",
      "DocVQA_VAL",
      "ChartQA_TEST",
      "MMVet",
    ];
    for (const name of names) {
      const set = VLM_SETS.find((item) => item.name === name)!;
      const answer = name === "OCRBench" ? "['5']" : ROW.answer!;
      for (const prediction of HOSTILE) {
        try {
          const program = set.score([{ index: "1", cells: { ...ROW, answer }, prediction }], { rules, judge: false });
          const [score] = await runProgram(program, (ask) => (ask.kind === "judge" ? null : false));
          expect(score!.value).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(PythonError);
        }
      }
    }
  });

  it("of several megabytes are scored too", async () => {
    const set = VLM_SETS.find((item) => item.name === "MMStar")!;
    for (const prediction of ["x ".repeat(2_000_000), `${"z".repeat(4_000_000)} B`]) {
      const cells = { question: "Q", A: "one", B: "two", answer: "B" };
      const program = set.score([{ index: "1", cells, prediction }], { rules: DEFAULT_RULES, judge: false });
      expect((await runProgram(program, () => null))[0]!.correct).toBe(prediction.endsWith("B"));
    }
  });

  it("are unequal to an honest answer in the comparing process, which then still works", async () => {
    using checker = new EquivalenceChecker();
    for (const text of HOSTILE) expect(await checker.equal(text, "5"), text.slice(0, 60)).toBe(false);
    expect(existsSync("/tmp/pwned")).toBe(false);
    expect(await checker.equal("\\frac12", "0.5")).toBe(true);
    expect(await checker.equal("3\\sqrt{2}", "\\sqrt{18}")).toBe(true);
  });

  it("never evaluate as code in place of Python's eval", () => {
    for (const text of [
      "__import__('os')",
      "open('/etc/passwd').read()",
      "(lambda: 1)()",
      "[x for x in ()]",
      "globalThis",
      "constructor",
      "toString()",
    ]) {
      expect(pythonEqual(text, "1"), text).toBe(false);
    }
    expect(() => parsePyLiteral("__import__('os')")).toThrow(PythonError);
  });
});

describe("the page of rows", () => {
  it("opens with the score, its interval, the categories and what there is to note", async () => {
    const folder = temporaryFolder();
    const image = await pngBase64();
    const row = (index: number) => ({
      index,
      image,
      question: "Q",
      A: "a",
      B: "b",
      answer: "B",
      category: `c${index % 2}`,
    });
    writeTsv(join(folder, "Custom.tsv"), [0, 1, 2, 3].map(row));
    const { bench, close } = await openBench("Custom", { dataFolder: folder, offline: true });
    const warned = { ...bench, warnings: ["a <note>"] };
    await evaluate(warned, scriptedAnswerer({ 1: "A" }, "B"), { out: folder, rules: DEFAULT_RULES, judge: null });
    close();
    const page = readFileSync(join(folder, "scripted", "Custom", "rows.html"), "utf8");
    expect(page.slice(0, page.indexOf("<form>"))).toMatch(
      /Scores.*Overall<\/td><td>75\.00 %<\/td><td>95 %: \d.*Categories.*c0<\/td><td>100\.00 %.*c1<\/td><td>50\.00 %.*a &lt;note&gt;/s,
    );
  });

  it("shows hostile texts as text, under a policy that allows only its own script", async () => {
    const folder = temporaryFolder();
    const image = await pngBase64();
    const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
    writeTsv(join(folder, "Custom.tsv"), [
      { index: `1${evil}`, image, question: evil, A: evil, B: "b", answer: "B", category: evil },
    ]);
    const { bench, close } = await openBench("Custom", { dataFolder: folder, offline: true });
    await evaluate(bench, scriptedAnswerer({}, `B ${evil}`), { out: folder, rules: DEFAULT_RULES, judge: null });
    close();
    const page = readFileSync(join(folder, "scripted", "Custom", "rows.html"), "utf8");
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toContain("<img src=x");
    expect(page).toContain("&lt;script&gt;alert(2)");
    const policy = /Content-Security-Policy" content="([^"]+)"/.exec(page)![1]!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect(page).toMatch(/src="data:image\/jpeg;base64,[A-Za-z0-9+/=]+"/);
    const markdown = readFileSync(join(folder, "scripted", "Custom", "categories.svg"), "utf8");
    expect(markdown).not.toContain("<script");
  });
});

describe.skipIf(!hasBrowser())("the page of rows in a browser", () => {
  it("filters its rows, and shows hostile texts as text", async () => {
    const folder = temporaryFolder();
    const image = await pngBase64();
    const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
    const row = { image, question: `Which? ${evil}`, A: "cat", B: evil, answer: "A" };
    writeTsv(join(folder, "Custom.tsv"), [
      { index: 1, ...row, category: "plain" },
      { index: 2, ...row, category: "plain" },
      { index: 3, ...row, category: evil },
      { index: 4, ...row, category: evil },
    ]);
    const { bench, close } = await openBench("Custom", { dataFolder: folder, offline: true });
    const replies = { 1: "A", 2: "B", 3: `${evil} A`, 4: `nobody can say ${"so ".repeat(200)}${evil}` };
    await evaluate(bench, scriptedAnswerer(replies), { out: folder, rules: DEFAULT_RULES, judge: null });
    close();

    const browser = await openBrowser();
    onTestFinished(() => browser.close());
    const page = await browser.context.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    page.on("dialog", (dialog) => {
      faults.push(`a dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    await page.goto(pathToFileURL(join(folder, "scripted", "Custom", "rows.html")).href);
    const count = () => page.locator("output").textContent();
    const shown = () => page.locator("article:visible h2").allTextContents();
    expect(await count()).toBe("4 of 4 rows");
    expect(await shown()).toEqual(["1 · plain", "2 · plain", `3 · ${evil}`, `4 · ${evil}`]);
    expect(await page.locator("article").nth(2).locator("pre").allTextContents()).toEqual([
      `Which? ${evil}`,
      `A. cat\nB. ${evil}`,
      `${evil} A`,
    ]);
    // Its own script, and one picture a row that the browser could read.
    expect(await page.locator("script").count()).toBe(1);
    const widths = await page.locator("img").evaluateAll((images) =>
      Promise.all(
        images.map(async (shownImage) => {
          await (shownImage as HTMLImageElement).decode();
          return (shownImage as HTMLImageElement).naturalWidth;
        }),
      ),
    );
    expect(widths).toEqual([24, 24, 24, 24]);

    const choose = (label: string, value: string) => page.getByLabel(label).selectOption(value);
    await choose("Verdict", "right");
    expect([await count(), await shown()]).toEqual(["2 of 4 rows", ["1 · plain", `3 · ${evil}`]]);
    await choose("Category", evil);
    expect([await count(), await shown()]).toEqual(["1 of 4 rows", [`3 · ${evil}`]]);
    await choose("Verdict", "");
    await choose("Decided by", "undecided");
    expect([await count(), await shown()]).toEqual(["1 of 4 rows", [`4 · ${evil}`]]);
    await choose("Decided by", "");
    await choose("Category", "");
    await page.getByLabel("Words").fill("NOBODY can say");
    expect([await count(), await shown()]).toEqual(["1 of 4 rows", [`4 · ${evil}`]]);
    expect(faults).toEqual([]);
  });
});

describe.runIf(existsSync("/dev/full"))("a full disk", () => {
  it("ends the page with an error that can be caught", async () => {
    const folder = temporaryFolder();
    writeTsv(join(folder, "Custom.tsv"), [{ index: 1, image: await pngBase64(), question: "Q", answer: "B" }]);
    const { bench, close } = await openBench("Custom", { dataFolder: folder, offline: true });
    const options = { out: folder, rules: DEFAULT_RULES, judge: null, html: false };
    const result = (await evaluate(bench, scriptedAnswerer({}, "B"), options))!;
    await expect(writeHtml("/dev/full", result, bench, [], new Map())).rejects.toMatchObject({ code: "ENOSPC" });
    close();
  });
});

describe("broken files", () => {
  it("are refused with what is wrong and where", async () => {
    const folder = temporaryFolder();
    const open = (name: string, text: string) => {
      writeFileSync(join(folder, `${name}.tsv`), text);
      return openBench(name, { dataFolder: folder, offline: true });
    };
    await expect(open("Cut", 'index\tquestion\n1\t"never closed\n')).rejects.toThrow(
      /quote at byte 17 is never closed/,
    );
    await expect(open("Empty", "")).rejects.toThrow(/is empty/);
    await expect(open("Wide", "index\tquestion\n1\ta\tb\n")).rejects.toThrow(/row 1: 3 cells, but the header has 2/);
    await expect(open("Twice", "index\tquestion\tanswer\n1\ta\tb\n1\ta\tb\n")).rejects.toThrow(/stands twice/);
    await expect(open("MathVision", "index\tquestion\tanswer\n1\ta\tb\n")).rejects.toThrow(
      /lacks the columns choices, category/,
    );
    await expect(open("NoQuestion", "index\tanswer\n1\tb\n")).rejects.toThrow(
      /expected at least index, question and answer/,
    );
    await expect(openBench("Missing", { dataFolder: folder, offline: true })).rejects.toThrow(/no data file in/);
  });
});
