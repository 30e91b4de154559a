import { InvalidArgumentError } from "commander";
import { expect, it } from "vitest";
import { parseNumber } from "../parse-number.ts";
import { forTerminal } from "./for-terminal.ts";
import { formatBytes, formatDuration, formatTable } from "./format.ts";
import { ProgressBar, progressLine } from "./progress-bar.ts";

it("bytes, durations and tables read well", () => {
  expect([0, 999, 1000, 4_602_612_608, 999_600, 12_345_678].map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1.00 kB",
    "4.60 GB",
    "1.00 MB",
    "12.3 MB",
  ]);
  expect([0, 72.4, 3700, -5].map(formatDuration)).toEqual(["0:00", "1:12", "1:01:40", "0:00"]);
  expect(
    formatTable(
      [
        ["a", "1"],
        ["bbb", "22"],
      ],
      [1],
    ),
  ).toEqual(["a     1", "bbb  22"]);
});

it("a progress line shows share, size, rate and time left, and fits the terminal", () => {
  const state = { label: "download", done: 5e8, total: 2e9, unit: "bytes" as const };
  expect(progressLine(state, 10, 4e8, 120)).toBe(
    "download  [######------------------]   25%  500 MB of 2.00 GB  40.0 MB/s  0:38",
  );
  expect(progressLine(state, 10, 4e8, 30)).toHaveLength(29);
  expect(progressLine({ label: "load", done: 1, total: 2, unit: "steps" }, 0, 0, 80)).toContain("50%  1/2");
  expect(progressLine({ ...state, total: 0 }, 0, 0, 80)).toContain("0%");
});

it("a bar draws on terminals only, not too often, and ends its line", () => {
  const written: string[] = [];
  const stream = { isTTY: true, columns: 80, write: (text: string) => written.push(text) > 0 };
  let now = 0;
  const bar = new ProgressBar(stream as unknown as NodeJS.WriteStream, () => now);
  for (const done of [1, 2, 3]) {
    bar.update({ label: "a", done, total: 10, unit: "steps" });
    now += 60;
  }
  expect(written.length).toBe(2);
  bar.update({ label: "a", done: 10, total: 10, unit: "steps" });
  expect(written.at(-1)).toContain("10/10");
  bar.end();
  bar.end();
  expect(written.filter((text) => text === "\n").length).toBe(1);
});

it("without a terminal, long work writes a line every ten seconds, and short work none", () => {
  const written: string[] = [];
  const stream = { isTTY: false, write: (text: string) => written.push(text) > 0 };
  let now = 0;
  const bar = new ProgressBar(stream as unknown as NodeJS.WriteStream, () => now);
  for (let done = 0; done <= 25; done++) {
    bar.update({ label: "compile", done: done * 1e8, total: 5e9, unit: "bytes" });
    now += 1000;
  }
  bar.update({ label: "load", done: 0, total: 3, unit: "steps" });
  now += 9999;
  bar.update({ label: "load", done: 3, total: 3, unit: "steps" });
  bar.end();
  expect(written.length).toBe(2);
  expect(written[0]).toMatch(/^compile .* 20% .*1\.00 GB of 5\.00 GB {2}100 MB\/s {2}0:40\n$/);
  expect(written[1]).toContain("2.00 GB of 5.00 GB");
});

it("numbers are read whole and within their limits", () => {
  expect(parseNumber({ least: 0, most: 1 })("0.5")).toBe(0.5);
  const refused: [Parameters<typeof parseNumber>[0], string][] = [
    [{}, "abc"],
    [{}, ""],
    [{}, "Infinity"],
    [{ whole: true }, "1.5"],
    [{ least: 0, above: true }, "0"],
    [{ least: 1 }, "0"],
    [{ most: 1 }, "1.1"],
  ];
  for (const [range, text] of refused) expect(() => parseNumber(range)(text), text).toThrow(InvalidArgumentError);
  expect(() => parseNumber({ least: 0, above: true, most: 1, whole: true })("x")).toThrow(
    "Expected a whole number above 0 and at most 1.",
  );
});

it("what a model writes cannot command the terminal", () => {
  expect(forTerminal("a\u001b[2Jb\u0007\n\tc\u009bd\r")).toBe("a[2Jb\n\tcd");
});
