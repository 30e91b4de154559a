/** @file Runs the pipeline over generated rows in a process of its own, so that its peak of memory is its own. Arguments: FOLDER MEMORY. */

import { join } from "node:path";
import { parsePipeline, runPipeline } from "../../src/data/index.ts";
import { PIPELINE } from "./generate.ts";

const [folder, memory] = process.argv.slice(2) as [string, string];
const steps: { name: string; seconds: number; rowsIn: number; rowsOut: number }[] = [];
let started = performance.now();
await runPipeline(parsePipeline(PIPELINE, join(folder, "pipeline.yaml")), {
  out: join(folder, "out"),
  memory,
  print(line) {
    const [, name, rowsIn, rowsOut] = /^(\w+): (\d+) rows in, (\d+) out/.exec(line) ?? [];
    process.stderr.write(`${line}\n`);
    if (name === undefined) return;
    steps.push({
      name,
      seconds: (performance.now() - started) / 1000,
      rowsIn: Number(rowsIn),
      rowsOut: Number(rowsOut),
    });
    started = performance.now();
  },
});
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const processorSeconds = (userCPUTime + systemCPUTime) / 1e6;
process.stdout.write(JSON.stringify({ steps, peakBytes: maxRSS * 1024, processorSeconds }));
