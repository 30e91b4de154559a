/** @file The curves of a run: in a terminal, followed while it goes on, and as a page. */

import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  chartSvg,
  chartsOf,
  drawFrame,
  plannedSteps,
  readMetrics,
  runReport,
  watchRun,
} from "../../src/train/index.ts";

let run: string;
const line = (step: number, more: object = {}) =>
  `${JSON.stringify({ step, loss: 4 / step, learning_rate: 1e-5, ...more })}\n`;
beforeAll(async () => {
  run = await mkdtemp(join(tmpdir(), "flashvl-watch-"));
});
afterAll(() => rm(run, { recursive: true }));

const write = (text: string) => writeFile(join(run, "metrics.jsonl"), text);

test("a falling loss falls from the top left to the bottom right", async () => {
  await write([1, 2, 3, 4].map((step) => line(step)).join(""));
  const { lines } = drawFrame(await readMetrics(run), 60, 4);
  expect(lines[0]).toBe("loss: training 1");
  const drawing = lines.slice(1, 5);
  expect(drawing[0]).toMatch(/^4 [⠁-⣿]/);
  expect(drawing[3]).toMatch(/^1 .*[⠁-⣿]$/);
  const dots = (text: string) => [...text].filter((c) => c > "⠀" && c <= "⣿").length;
  expect(drawing.every((l) => dots(l) > 0)).toBe(true);
  expect(lines[5]!.trim()).toMatch(/^1 +4$/);
  // A flat curve is a line in the middle, not a division by nothing.
  expect(lines.find((l) => l.startsWith("learning rate"))).toBe("learning rate: rate 1.00e-5");
});

test("every kind of metric gets its chart; validation joins the loss", async () => {
  const more = { reward: 0.5, kl: 0.01, entropy: 1.2, "completions/mean_length": 20 };
  await write(line(1, more) + line(2, { ...more, eval_loss: 2.5 }));
  const charts = chartsOf(await readMetrics(run));
  expect(charts.map((c) => c.title)).toEqual([
    "loss",
    "reward",
    "KL to the reference",
    "entropy",
    "answer length (tokens)",
    "learning rate",
  ]);
  expect(charts[0]!.curves.map((c) => [c.label, c.points.length])).toEqual([
    ["training", 2],
    ["validation", 1],
  ]);
});

test("a loss that falls by more than a decade is drawn by its logarithm, as far as its first part of the plan goes", async () => {
  await write([1, 10, 100].map((step) => line(step)).join(""));
  const { lines } = drawFrame(await readMetrics(run), 60, 9, 199);
  expect(lines[0]).toBe("loss (log): training 0.04");
  const drawn = lines.slice(1, 10).map((text) => text.search(/[⠁-⣿]/));
  expect(drawn[0]).toBeLessThan(10);
  // Step 10 of 199 lies at a twentieth of the width and, a tenth of the first loss, half way down.
  const bend = lines[5]!.slice(5).search(/[⠁-⣿]/);
  expect(bend).toBeLessThan(6);
  // Half of the plan is still to come.
  expect(Math.max(...lines.slice(1, 10).map((text) => text.search(/[⠁-⣿][⠀ ]*$/)))).toBeLessThan(34);
  expect(lines[10]!.trim()).toMatch(/^1 +199$/);
  const falling = chartsOf(await readMetrics(run), 199)[0]!;
  expect(chartSvg(falling)).toContain(">loss (log)<");
  expect(chartSvg({ ...falling, log: false })).toContain(">loss<");
});

test("a page and a frame end where the recipe does", async () => {
  await write(line(1) + line(2));
  await writeFile(join(run, "recipe.yaml"), "stage: sft\nsteps: 40\n");
  expect(await plannedSteps(run)).toBe(40);
  expect(await runReport(run)).toContain("the last is 2 of 40.");
  await rm(join(run, "recipe.yaml"));
  expect(await plannedSteps(run)).toBeUndefined();
});

test("several reward functions are drawn apart", async () => {
  await write(line(1, { reward: 0.5, "rewards/accuracy/mean": 0.4, "rewards/own/mean": 0.1, "rewards/own/std": 0 }));
  const charts = chartsOf(await readMetrics(run));
  expect(charts[2]!.title).toBe("rewards by function");
  expect(charts[2]!.curves.map((c) => c.label)).toEqual(["accuracy", "own"]);
});

test("lines fit the terminal, in two columns where there is room", async () => {
  const rows = await readMetrics(run);
  for (const width of [50, 80, 120, 200]) {
    const { lines } = drawFrame(rows, width, 5);
    expect(Math.max(...lines.map((l) => l.length))).toBeLessThanOrEqual(width);
  }
  expect(drawFrame(rows, 200, 5).lines[0]).toMatch(/^loss: .* {3}reward: /);
});

test("a running run is drawn again when it has gone on, and a half-written line waits", async () => {
  await write(line(1));
  const stop = new AbortController();
  const frames = watchRun(run, { width: 60, height: 3, interval: 5, signal: stop.signal });
  expect((await frames.next()).value!.step).toBe(1);
  await appendFile(join(run, "metrics.jsonl"), line(2) + line(3).slice(0, 9));
  expect((await frames.next()).value!.step).toBe(2);
  await appendFile(join(run, "metrics.jsonl"), line(3).slice(9));
  expect((await frames.next()).value!.step).toBe(3);
  const waiting = frames.next();
  stop.abort();
  expect((await waiting).done).toBe(true);
});

test("the report is one page that loads nothing, and shows what it quotes as text", async () => {
  await write(line(1) + line(2));
  await writeFile(join(run, "recipe.yaml"), "model: <script>alert(1)</script>\n");
  const page = await runReport(run);
  expect(page).toContain("&#60;script&#62;alert(1)");
  expect(page).not.toMatch(/<script|<link|src=|@import/);
  expect(page.match(/<svg/g)).toHaveLength(2);
  const svg = chartSvg({
    title: "a < b",
    curves: [{ label: '"q"', points: [{ step: 1, value: 2 }] }],
  });
  expect(svg).toContain("a &#60; b");
  expect(svg).toContain("<circle");
  expect(svg).not.toContain("NaN");
});

test("a folder that is no run, a run without steps and a broken line are named", async () => {
  await expect(readMetrics(join(run, "absent"))).rejects.toThrow(/absent is not the folder of a run/);
  await write("");
  await expect(runReport(run)).rejects.toThrow(/has no step yet/);
  await write("{]\n");
  await expect(readMetrics(run)).rejects.toThrow(/metrics\.jsonl:1 is not JSON/);
});
