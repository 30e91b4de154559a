/**
 * @file How much faster several ranks train, in one run: 1 rank × 1 thread, 1 × 2 and 2 × 1 in alternation, the same updates of the
 * shipped model. Checks that all wrote the same weights. Takes only ratios of one run seriously.
 * usage: npm run bench:ranks [-- --rounds 3 --steps 8 --length 192 --rows 16 --out]
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { describeMachine, machineLine } from "../machine.ts";
import { writeSection } from "../results-section.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "8" },
    rows: { type: "string", default: "16" },
    length: { type: "string", default: "192" },
    out: { type: "boolean", default: false },
  },
});
/** Steps that are not counted: memory is touched for the first time. */
const WARM = 2;
const SIDES = [
  { name: "1 rank x 1 thread", ranks: 1, threads: 1 },
  { name: "1 rank x 2 threads", ranks: 1, threads: 2 },
  { name: "2 ranks x 1 thread", ranks: 2, threads: 1 },
] as const;

interface Step {
  readonly step: number;
  readonly step_ms: number;
  readonly wait_ms: number;
  readonly reduce_ms?: number;
}

const folder = await mkdtemp(join(tmpdir(), "flashvl-bench-ranks-"));
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

async function measure(
  { ranks, threads }: (typeof SIDES)[number],
  run: string,
): Promise<{ steps: Step[]; hash: string }> {
  const recipe = join(folder, `${threads}.yaml`);
  const [rows, length] = [Number(values.rows), Number(values.length)];
  const content = {
    stage: "sft",
    model: "tiny",
    data: { file: here("../../examples/lamps/labels.csv"), question: "What does the machine do?" },
    steps: Number(values.steps),
    accumulate: 2,
    batch: { images: rows, rows, length, labels: rows * 8 },
    optimizer: { learningRate: 1e-4, schedule: { kind: "constant" } },
    threads,
  };
  await writeFile(recipe, stringify(content));
  const train = [here("../../src/cli/main.ts"), "train", "sft", recipe, "--run", run, "--ranks", String(ranks)];
  const command = ["-C", "flashvl-source", "--import", "tsx", ...train];
  const { status, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const lines = (await readFile(join(run, "metrics.jsonl"), "utf8")).trim().split("\n");
  const weights = await readFile(join(run, "last", "training.safetensors"));
  const steps = lines.map((line) => JSON.parse(line) as Step).filter(({ step }) => step > WARM);
  return { steps, hash: createHash("sha256").update(weights).digest("hex") };
}

try {
  const steps = new Map<string, Step[]>(SIDES.map(({ name }) => [name, []]));
  const hashes = new Map<number, Set<string>>();
  for (let round = 0; round < Number(values.rounds); round++)
    for (const side of SIDES) {
      const measured = await measure(side, join(folder, `${round} ${side.name}`));
      steps.get(side.name)!.push(...measured.steps);
      hashes.set(side.threads, (hashes.get(side.threads) ?? new Set()).add(measured.hash));
    }
  for (const [threads, found] of hashes)
    if (found.size > 1) throw new Error(`runs of ${threads} threads wrote ${found.size} different states`);
  const times = SIDES.map(({ name }) => median(steps.get(name)!.map(({ step_ms }) => step_ms)));
  const [one, two, ranks] = times as [number, number, number];
  const share = median(steps.get(SIDES[2].name)!.map(({ reduce_ms = 0, step_ms }) => reduce_ms / step_ms));
  const lines = [
    `${machineLine(describeMachine())}. SFT of the shipped model, whole weights, two batches per update; medians of ${steps.get(SIDES[0].name)!.length} steps in alternation.`,
    "",
    "| | ms per step | times 1 × 1 |",
    "|---|---|---|",
    ...SIDES.map(({ name }, i) => `| ${name} | ${times[i]!.toFixed(0)} | ${(one / times[i]!).toFixed(2)} |`),
    "",
    `Two ranks are ${(one / ranks).toFixed(2)} times one (wanted: 1.75) and ${(two / ranks).toFixed(2)} times two threads (wanted: 0.95). Summing gradients takes ${(100 * share).toFixed(1)} % of a step (wanted: at most 10 %). The weights are those of one rank, bit for bit.`,
  ];
  console.log(lines.join("\n"));
  if (values.out) await writeSection("ranks", ["## Several ranks (`npm run bench:ranks`)", "", ...lines].join("\n"));
} finally {
  await rm(folder, { recursive: true });
}
