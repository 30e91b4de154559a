/**
 * @file Two million rows with planted duplicates, contamination and faults through `flashvl data`: recall, precision, time and memory.
 * usage: npm run bench:data -- [--rows 2000000] [--memory 1GB] [--write]
 * There is no Python side: a loop over pandas or datasets would need packages that this repository does not bring.
 */

import { spawn } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine, machineLine } from "../machine.ts";
import { writeSection } from "../results-section.ts";
import { foundIn } from "./found.ts";
import { generate } from "./generate.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "2000000" },
    memory: { type: "string", default: "1GB" },
    write: { type: "boolean", default: false },
  },
});

interface Run {
  readonly steps: readonly { name: string; seconds: number; rowsIn: number; rowsOut: number }[];
  readonly peakBytes: number;
  readonly processorSeconds: number;
}

function run(folder: string): Promise<Run> {
  const script = fileURLToPath(new URL("run.ts", import.meta.url));
  const options = ["-C", "flashvl-source", "--import", "tsx", script, folder, values.memory];
  const child = spawn(process.execPath, options, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return new Promise((resolve, reject) =>
    child.on("exit", (code) =>
      code === 0 ? resolve(JSON.parse(text) as Run) : reject(new Error(`run.ts ended with ${code}`)),
    ),
  );
}

const folder = await mkdtemp(join(tmpdir(), "bench-data-"));
try {
  const planted = await generate(folder, Number(values.rows));
  const { size } = await stat(join(folder, "rows.jsonl"));
  const { steps, peakBytes, processorSeconds } = await run(folder);
  const found = await foundIn(folder, join(folder, "out"));
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const report = [
    "## Training data",
    "",
    `\`npm run bench:data -- --rows ${values.rows} --memory ${values.memory} --write\`: ${planted.rows.toLocaleString("en")} rows (${(size / 2 ** 30).toFixed(2)} GiB of JSON Lines) with pictures, half of them duplicates or near ones, in random order. ${machineLine(describeMachine())}.`,
    "",
    "| step | rows in | rows out | seconds |",
    "|---|---|---|---|",
    ...steps.map(
      ({ name, seconds, rowsIn, rowsOut }) =>
        `| ${name} | ${rowsIn.toLocaleString("en")} | ${rowsOut.toLocaleString("en")} | ${seconds.toFixed(0)} |`,
    ),
    "",
    "| planted | rows | recall | precision |",
    "|---|---|---|---|",
    ...Object.entries(found).map(
      ([name, { planted: rows, recall, precision }]) =>
        `| ${name} | ${rows.toLocaleString("en")} | ${percent(recall)} | ${percent(precision)} |`,
    ),
    "",
    `Peak of memory ${(peakBytes / 2 ** 30).toFixed(2)} GiB, processor time ${processorSeconds.toFixed(0)} s. There is no Python side: the machine has neither pandas nor datasets.`,
  ].join("\n");
  console.log(report);
  if (values.write) writeSection("data", report);
  const failed = Object.entries(found).filter(([, { recall, precision }]) => recall < 0.99 || precision < 0.999);
  if (failed.length > 0 || peakBytes > 2 * 2 ** 30) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
