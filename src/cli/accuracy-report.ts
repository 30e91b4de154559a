/** @file `flashvl compile --report` and `--budget`: what each precision does to the model's answers, as lines of text. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { AccuracyPrompt, Calibration, LayerOverrides, Preset, PresetAccuracy } from "../compile/index.ts";
import type { Checkpoint } from "../hub/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { BadInputError, UsageError } from "./fail.ts";
import { formatTable } from "./terminal/format.ts";

/** Layers named per precision. */
const WORST_SHOWN = 5;

/** What the two commands need. */
export interface JudgeOptions {
  cacheDir?: string;
  /** A file of prompts; the built-in ones if absent. */
  prompts?: string;
  /** Precisions of single layers, whatever the preset. */
  overrides?: LayerOverrides;
  signal: AbortSignal;
}

/** Prompts of a JSONL file: one `{"prompt": "...", "image": "path, or absent"}` per line; paths are relative to the file. */
export async function readPrompts(path: string): Promise<AccuracyPrompt[]> {
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line.trim());
  return lines.map((line, i) => {
    let row: { prompt?: unknown; image?: unknown };
    try {
      row = JSON.parse(line) as typeof row;
    } catch {
      row = {};
    }
    const { prompt, image = null } = row;
    if (typeof prompt !== "string" || (image !== null && typeof image !== "string"))
      throw new BadInputError(`${path}: line ${i + 1} is not {"prompt": "...", "image": "path"}.`);
    return {
      image: image === null ? null : resolve(dirname(path), image),
      messages: [{ role: "user" as const, content: prompt }],
    };
  });
}

/** What the flags name, or the prompts that are built in. */
async function askedPrompts(path: string | undefined): Promise<AccuracyPrompt[]> {
  const { samplePrompts } = await import("../compile/index.ts");
  return path === undefined ? samplePrompts() : readPrompts(path);
}

async function openJudge(
  checkpoint: Checkpoint,
  config: ModelConfig,
  { cacheDir, prompts, overrides, signal }: JudgeOptions,
) {
  const { openAccuracyJudge } = await import("../compile/index.ts");
  const { nativeRuntime } = await import("../runtime/ort/index.ts");
  const asked = await askedPrompts(prompts);
  const onStage = (stage: string) => void process.stderr.write(`${stage}\n`);
  return openAccuracyJudge(checkpoint, config, {
    runtime: nativeRuntime(),
    prompts: asked,
    overrides,
    cacheDir,
    signal,
    onStage,
  });
}

/**
 * What the prompts teach about the inputs of a preset's layers.
 *
 * @param smooth strength of smoothing; none if absent
 * @throws UsageError when the preset has no layer that could use it
 */
export async function learnInputs(
  checkpoint: Checkpoint,
  config: ModelConfig,
  preset: Preset,
  smooth: number | undefined,
  { prompts, overrides, signal }: JudgeOptions,
): Promise<Calibration> {
  const { accuracyModel, calibrate } = await import("../compile/index.ts");
  const { nativeRuntime } = await import("../runtime/ort/index.ts");
  const asked = await askedPrompts(prompts);
  process.stderr.write(`${preset}: reading ${asked.length} prompts in float32\n`);
  const model = await accuracyModel(checkpoint, config);
  const learned = await calibrate(checkpoint, model, asked, {
    runtime: nativeRuntime(),
    preset,
    overrides,
    smooth,
    session: {},
    signal,
  });
  if (learned.factors.size > 0 || (learned.columns?.size ?? 0) > 0) return learned;
  throw new UsageError(
    `Calibrating has nothing to do at ${preset}: --calibrate is for layers at 4 bits, --smooth for layers at 8 bits.`,
  );
}

/** Every preset against float32. */
export async function reportAccuracy(
  checkpoint: Checkpoint,
  config: ModelConfig,
  options: JudgeOptions,
): Promise<PresetAccuracy[]> {
  const { PRESET_NAMES } = await import("../compile/index.ts");
  const judge = await openJudge(checkpoint, config, options);
  const rows: PresetAccuracy[] = [];
  for (const preset of PRESET_NAMES) if (preset !== "fp32") rows.push(await judge.judge(preset));
  return rows;
}

/** Overrides that keep a preset within a mean KL of `budget`. */
export async function fitBudget(
  checkpoint: Checkpoint,
  config: ModelConfig,
  preset: Preset,
  budget: number,
  options: JudgeOptions,
): Promise<{ overrides: LayerOverrides; accuracy: PresetAccuracy; rounds: number[] }> {
  const { meetBudget } = await import("../compile/index.ts");
  const judge = await openJudge(checkpoint, config, options);
  return meetBudget(judge, preset, budget, options.overrides, ({ meanKl }) => {
    process.stderr.write(`${preset}: mean KL ${meanKl.toPrecision(3)}\n`);
  });
}

/** The report as a table and, below it, the worst layers of each preset. */
export function accuracyLines(rows: readonly PresetAccuracy[]): string[] {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const head = ["preset", "mean KL", "max KL", "same top token", "greedy tokens shared"];
  const table = rows.map(({ preset, meanKl, maxKl, top1, greedyTokens, answerTokens }) => [
    preset,
    meanKl.toPrecision(3),
    maxKl.toPrecision(3),
    percent(top1),
    `${greedyTokens.toFixed(1)} of ${answerTokens}`,
  ]);
  const worst = rows.flatMap(({ preset, layers }) => [
    "",
    `worst layers of ${preset} (error of the output, relative)`,
    ...formatTable(layers.slice(0, WORST_SHOWN).map(({ layer, error }) => [`  ${layer}`, percent(error)])),
  ]);
  return [...formatTable([head, ...table], [1, 2, 3, 4]), ...worst];
}
