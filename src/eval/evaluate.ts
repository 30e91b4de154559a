/** @file One set, one model: answer what is open, score all, write every report. */
import { join } from "node:path";
import { makeFolder, needPackage, writeWhole } from "../common/node.ts";
import {
  API_FAILURE,
  type PredictionFormat,
  PythonError,
  type ScoreContext,
  type Scored,
  type ScoringRules,
  type SetReport,
} from "../vlmeval/index.ts";
import type { Answerer } from "./answer/answerer.ts";
import { dollarsFor, estimateJudge, type JudgeEstimate, type JudgePrice } from "./judge/estimate.ts";
import type { Judge } from "./judge/judge.ts";
import { categoryPlot } from "./report/category-plot.ts";
import { countDecisions, metricResults, RESULT, type SetResult, UNITS } from "./report/result.ts";
import { writeVlmevalFiles } from "./report/vlmeval-files.ts";
import { writeHtml } from "./report/write-html.ts";
import { type AnsweredRows, type AnswerProgress, answerRows } from "./run/answer-rows.ts";
import type { Bench } from "./run/bench.ts";
import { readAnswers, type Shard, writeFinalAnswers } from "./run/records.ts";
import { othersAnswer, withRun, withShard } from "./run/run-lock.ts";
import { claimRun } from "./run/run-state.ts";
import { scoreRows } from "./run/score-rows.ts";

export interface ScoreOptions {
  rules: ScoringRules;
  judge: Judge | null;
  judgePrice?: JudgePrice | null;
  storage?: PredictionFormat;
  /** Extension of VLMEvalKit's row files. Default xlsx. */
  format?: "xlsx" | "tsv" | "json";
  limit?: number;
  seed?: number;
  html?: boolean;
  signal?: AbortSignal;
  onJudgeEstimate?: (estimate: JudgeEstimate) => void;
}

export interface EvaluateOptions extends ScoreOptions {
  /** Folder of all runs; the model and the set get folders in it. */
  out: string;
  shard?: Shard;
  dataMd5?: string | null;
  /** The data file or the task's module, where it was named by its path. */
  data?: string;
  /** Score although rows failed, with VLMEvalKit's text for them as their answer; it is not recorded, so they can be asked again. */
  keepFailed?: boolean;
  onProgress?: (progress: AnswerProgress) => void;
  /** Told when the folder held another model's answers, and where they are now. */
  onNewRun?: (text: string) => void;
}

/** File names hold no slashes, and no dots, which VLMEvalKit's renaming trips over. */
export function fileName(name: string): string {
  return name.replace(/[^\p{L}\p{N}+-]+/gu, "_");
}

const EXCEL = "Writing VLMEvalKit's Excel files (or tsv or json with --format)";

/** The folder of a run. */
export function runFolder(out: string, model: string, dataset: string): string {
  return join(out, fileName(model), fileName(dataset));
}

/**
 * Answer and score. A shard only answers; the set is scored when a run finds every row answered. A run with `limit`
 * answers and scores the first rows; a later one without it, or with a larger one, goes on from there.
 *
 * @returns the result, or null if rows are still open or failed
 * @throws if the folder holds a run with other settings; LockedError if another process writes into it
 */
export async function evaluate(bench: Bench, answerer: Answerer, options: EvaluateOptions): Promise<SetResult | null> {
  const { shard, signal } = options;
  const folder = runFolder(options.out, answerer.name, bench.name);
  // Known before hours of answering, not after them.
  if (bench.files !== null && (options.format ?? "xlsx") === "xlsx") needPackage(EXCEL, "write-excel-file");
  const settings = {
    dataset: bench.name,
    model: answerer.name,
    answerer: answerer.settings,
    prompt: bench.promptStyle,
    dataMd5: options.dataMd5 ?? null,
  };
  const state = { settings, identity: (await answerer.identity?.()) ?? {}, data: options.data };
  const claim = async () => {
    const told = await claimRun(folder, state, () => othersAnswer(folder, shard));
    if (told !== undefined) options.onNewRun?.(told);
  };
  const answer = () => answerRows(bench, answerer, { folder, ...options });
  const end = (answered: AnsweredRows) => finish(bench, answerer.name, folder, answered, options);
  if (shard === undefined || shard.count === 1)
    return withRun(folder, { wait: false }, async () => {
      await claim();
      return end(await answer());
    });
  return withShard(folder, shard, async () => {
    await withRun(folder, { wait: true, signal }, claim);
    const answered = await answer();
    return withRun(folder, { wait: true, signal }, () => end(answered));
  });
}

/** Scores the run if its rows are answered, or those that are not may count as wrong. */
async function finish(
  bench: Bench,
  model: string,
  folder: string,
  { keys, failed }: AnsweredRows,
  options: EvaluateOptions,
): Promise<SetResult | null> {
  const answers = readAnswers(folder);
  const open = keys.filter((key) => !answers.has(key));
  // Another shard's rows are not failed, they are not asked yet.
  if (open.length > 0 && !(options.keepFailed && open.length === failed)) return null;
  if (open.length === 0) await writeFinalAnswers(folder, keys, answers);
  for (const key of open) answers.set(key, API_FAILURE);
  const noted = open.length === 0 ? [] : [`${open.length} rows have no answer; they are scored as "${API_FAILURE}".`];
  const judged = { ...bench, warnings: [...bench.warnings, ...noted] };
  return scoreRun(judged, model, folder, answers, options, options.dataMd5 ?? null);
}

/** Upstream's table; where upstream raises, correct mode's with a warning. */
function reportOf(bench: Bench, rows: Scored[], context: ScoreContext, warnings: string[]): SetReport {
  try {
    return bench.report(rows, context);
  } catch (error) {
    if (!(error instanceof PythonError)) throw error;
    warnings.push(`VLMEvalKit fails on these rows (${error.message}); the table is made by correct rules.`);
    return bench.report(rows, { ...context, rules: { ...context.rules, mode: "correct" } });
  }
}

/** Score answers and write every report into the run's folder and beside it. */
export async function scoreRun(
  bench: Bench,
  model: string,
  folder: string,
  answers: ReadonlyMap<string, string>,
  options: ScoreOptions,
  dataMd5: string | null,
): Promise<SetResult> {
  const { rules, judge, judgePrice = null, seed } = options;
  const warnings = [...bench.warnings];
  const storage = options.storage ?? (rules.mode === "compat" && bench.files !== null ? "xlsx" : "json");
  const run = await scoreRows(bench, answers, {
    ...options,
    storage,
    onJudgeQuestions: (questions) => options.onJudgeEstimate?.(estimateJudge(questions, judgePrice)),
  });
  if (run.rows.length === 0) throw new Error(`${bench.name}: none of its rows has an answer; nothing to score.`);
  const report = reportOf(bench, run.rows, { rules, judge: judge !== null }, warnings);
  await makeFolder(folder);
  const files = await writeVlmevalFiles({
    folder: join(folder, ".."),
    model: fileName(model),
    bench,
    rows: run.rows,
    replies: answers,
    report,
    judge: judge?.name ?? null,
    format: options.format,
  });
  warnings.push(...files.warnings);
  const counts = judge?.counts;
  const result: SetResult = {
    dataset: bench.name,
    model,
    headline: report.headline,
    metrics: metricResults(report, seed),
    metricNote: bench.metricNote,
    table: report.table,
    fine: report.fine,
    categories: report.categories,
    rows: run.rows.length,
    limit: options.limit ?? null,
    unanswered: run.unanswered.length,
    decisions: countDecisions(run.rows),
    prompt: bench.promptStyle,
    rules,
    storage,
    judge: judge && {
      name: judge.name,
      counts: { ...judge.counts },
      dollars: dollarsFor(counts!.promptTokens, counts!.completionTokens, judgePrice),
      lastFailure: judge.lastFailure,
    },
    dataMd5,
    cutOff: run.cutOff,
    warnings,
  };
  await writeWhole(join(folder, RESULT), `${JSON.stringify(result, null, 2)}\n`);
  await writeWhole(join(folder, "scores.jsonl"), run.rows.map(scoreLine).join(""));
  const units = report.metrics.map(({ name, combine, units: list }) => ({ name, combine, units: list }));
  await writeWhole(join(folder, UNITS), `${JSON.stringify(units)}\n`);
  if (report.categories.length > 0) {
    await writeWhole(join(folder, "categories.svg"), categoryPlot(bench.name, report.categories));
  }
  if (options.html !== false) {
    await writeHtml(join(folder, "rows.html"), result, bench, run.rows, answers);
  }
  return result;
}

function scoreLine({ index, score }: Scored): string {
  return `${JSON.stringify({ key: index, ...score })}\n`;
}
