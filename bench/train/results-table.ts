/** @file The section of bench/RESULTS.md about a training step. */

import type { SideResult } from "./pair.ts";

export interface TrainReport {
  readonly rows: number;
  readonly tokensPerRow: number;
  readonly threads: number;
  readonly rounds: number;
  readonly machine: { readonly cpu: string; readonly cores: number };
  readonly pairs: readonly {
    readonly precision: string;
    readonly flashvl: SideResult;
    readonly torch?: SideResult;
    readonly speedOverTorch?: number;
    /** Another checkout of this project. */
    readonly before?: SideResult;
    readonly speedOverBefore?: number;
  }[];
}

const seconds = (s: SideResult) =>
  [s.msPerStep, s.fastestMs, s.slowestMs].map((ms) => (ms / 1000).toFixed(2)) as [string, string, string];

function row(name: string, s: SideResult, ratio: string): string {
  const [middle, fastest, slowest] = seconds(s);
  const losses = s.losses.map((loss) => loss.toFixed(5)).join(", ");
  return `| ${name} | ${middle} s (${fastest}-${slowest}) | ${(s.peakBytes / 1e9).toFixed(2)} GB | ${losses} | ${ratio} |`;
}

/** Markdown with its heading. */
export function resultsTable(r: TrainReport): string {
  const lines = r.pairs.flatMap(({ precision, flashvl, torch, speedOverTorch, before, speedOverBefore }) => [
    row(
      `flashvl, ${precision}`,
      flashvl,
      speedOverTorch ? `**${speedOverTorch.toFixed(2)}** times PyTorch's speed` : "",
    ),
    ...(torch
      ? [row(`PyTorch ${torch.ready}, ${precision === "float32" ? precision : "autocast to bfloat16"}`, torch, "")]
      : []),
    ...(before
      ? [row(`flashvl before, ${precision}`, before, `now **${speedOverBefore!.toFixed(2)}** times its speed`)]
      : []),
  ]);
  const before = r.pairs.some((pair) => pair.before);
  const heading = before ? "Training step, beside an earlier version" : "Training step";
  const sides = before ? "--before FOLDER" : "--python PYTHON --profile";
  return `## ${heading}

\`npx tsx bench/train/main.ts ${sides} --out bench/train.json\`: supervised fine-tuning of ${(r.pairs[0]!.flashvl.parameters / 1e6).toFixed(1)} M
parameters, ${r.rows} rows of ${r.tokensPerRow} tokens with a picture each, AdamW included, ${r.threads} threads of ${r.machine.cpu}; medians of
${r.rounds} steps in alternation (fastest-slowest), peak memory of the process.

| side | step | peak | losses of the first three steps | |
| --- | --- | --- | --- | --- |
${lines.join("\n")}`;
}
