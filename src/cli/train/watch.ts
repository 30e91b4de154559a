/** @file `flashvl train watch RUN`: the curves of a run in the terminal, and as a page. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { parseNumber } from "../parse-number.ts";
import type { CommonOptions } from "../shared-options.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

interface Options extends CommonOptions {
  report?: string;
  once?: boolean;
  height: number;
  interval: number;
}

/** Where the width is not known, as in a pipe. */
const USUAL_WIDTH = 100;
const CLEAR = "\x1b[H\x1b[2J";

/** Adds the command to `train`. */
export function register(train: Command): void {
  train
    .command("watch")
    .description("draw the curves of a run, again whenever it has gone on; Ctrl-C ends")
    .argument("<run>", "folder of the run")
    .option("--report <file>", "write the curves as an HTML page, and end")
    .option("--once", "draw once, and end; as in a pipe")
    .option("--height <n>", "lines of each chart", parseNumber({ least: 2, most: 50, whole: true }), 8)
    .option("--interval <seconds>", "time between two looks", parseNumber({ least: 0, above: true }), 2)
    .action((run: string, options: Options) => withInterrupt((signal) => watch(run, options, signal)));
}

async function watch(run: string, options: Options, signal: AbortSignal): Promise<void> {
  const { drawFrame, plannedSteps, readMetrics, runReport, watchRun } = await import("../../train/index.ts");
  const width = process.stdout.columns ?? USUAL_WIDTH;
  const { height } = options;
  if (options.report !== undefined) {
    const page = await runReport(run);
    await writeFile(options.report, page);
    process.stderr.write(`${options.report} written\n`);
  }
  if (options.json) return printJson(await readMetrics(run));
  if (options.report !== undefined || options.once || !process.stdout.isTTY)
    return printLines(drawFrame(await readMetrics(run), width, height, await plannedSteps(run)).lines);
  for await (const { lines, step } of watchRun(run, { width, height, interval: options.interval * 1000, signal }))
    process.stdout.write(`${CLEAR}${lines.join("\n")}\nstep ${step} · Ctrl-C ends\n`);
}
