/** @file The scoring half of a run: rules first, the judge for what is left, the same verdicts for any order or number at once. */
import { mapConcurrent } from "../../common/index.ts";
import { EquivalenceChecker } from "../../tasks/index.ts";
import {
  type Answered,
  groupBy,
  type JudgeAsk,
  type PredictionFormat,
  PythonError,
  type RowScore,
  repliesAsScored,
  type ScoreContext,
  type Scored,
  type ScoringRules,
} from "../../vlmeval/index.ts";
import type { Judge } from "../judge/judge.ts";
import type { Bench, Respond } from "./bench.ts";

export interface ScoreRowsOptions {
  rules: ScoringRules;
  judge: Judge | null;
  /** The format whose losses the replies go through before scoring. Default: xlsx in compatibility mode, else none. */
  storage?: PredictionFormat;
  limit?: number;
  signal?: AbortSignal;
  /** Called with the first judge question of every open row, before any is asked. */
  onJudgeQuestions?: (questions: JudgeAsk[]) => void;
}

export interface ScoredRun {
  rows: Scored[];
  /** Rows without an answer. */
  unanswered: string[];
  /** Comparisons of expressions that hit their limit of time or memory. */
  cutOff: number;
}

/** A row on which the original code raises: no credit, and the reason in its log. */
function failedScore(error: PythonError): RowScore {
  return {
    value: 0,
    correct: false,
    extracted: null,
    decision: "rule",
    fields: { log: `upstream raises ${error.message}` },
  };
}

/** The answered rows of a bench in its order, replies as the scorer sees them. */
async function answeredRows(
  bench: Bench,
  answers: ReadonlyMap<string, string>,
  options: ScoreRowsOptions,
): Promise<{ answered: Answered[]; unanswered: string[] }> {
  const answered: Answered[] = [];
  const unanswered: string[] = [];
  let place = 0;
  for await (const { key, cells } of bench.rows()) {
    if (options.limit !== undefined && place++ >= options.limit) break;
    const prediction = answers.get(key);
    if (prediction === undefined) unanswered.push(key);
    else answered.push({ index: key, cells, prediction });
  }
  const storage = options.storage ?? (options.rules.mode === "compat" && bench.files !== null ? "xlsx" : "json");
  const texts = repliesAsScored(
    answered.map((row) => row.prediction),
    storage,
  );
  return { answered: answered.map((row, at) => ({ ...row, prediction: texts[at]! })), unanswered };
}

/** Score every answered row. */
export async function scoreRows(
  bench: Bench,
  answers: ReadonlyMap<string, string>,
  options: ScoreRowsOptions,
): Promise<ScoredRun> {
  const { rules, judge, signal } = options;
  const context: ScoreContext = { rules, judge: judge !== null };
  const { answered, unanswered } = await answeredRows(bench, answers, options);
  const groups = [...groupBy(answered, (row) => bench.groupKey(row)).values()];
  using checker = new EquivalenceChecker();
  if (judge && options.onJudgeQuestions)
    options.onJudgeQuestions(await firstQuestions(bench, groups, context, checker));
  const respond: Respond = (ask) => {
    if (ask.kind === "equivalence") return checker.equal(ask.answer, ask.reference);
    return judge === null ? null : judge.ask(ask, signal);
  };
  const scores = new Map<string, RowScore>();
  async function* source() {
    yield* groups;
  }
  const scored = mapConcurrent(source(), judge?.concurrency ?? 1, async (group) => {
    signal?.throwIfAborted();
    try {
      return { group, result: await bench.score(group, context, respond) };
    } catch (error) {
      if (!(error instanceof PythonError)) throw error;
      return { group, result: group.map(() => failedScore(error)) };
    }
  });
  for await (const { group, result } of scored) {
    for (const [place, row] of group.entries()) scores.set(row.index, result[place]!);
  }
  const rows = answered.map((row) => ({ ...row, score: scores.get(row.index)! }));
  return { rows, unanswered, cutOff: checker.cutOff };
}

/** Ends the scoring of a group where its first question to the judge is all that is wanted. */
class JudgeAsked extends Error {}

/** Run every group until it first asks the judge. */
async function firstQuestions(
  bench: Bench,
  groups: readonly Answered[][],
  context: ScoreContext,
  checker: EquivalenceChecker,
): Promise<JudgeAsk[]> {
  const questions: JudgeAsk[] = [];
  for (const group of groups) {
    try {
      await bench.score(group, context, (ask) => {
        if (ask.kind === "equivalence") return checker.equal(ask.answer, ask.reference);
        questions.push(ask);
        throw new JudgeAsked();
      });
    } catch (error) {
      if (!(error instanceof PythonError || error instanceof JudgeAsked)) throw error;
    }
  }
  return questions;
}
