/** @file A whole evaluation in memory, as the `X.evaluate` vectors describe it. */
import { NO_JUDGE, upstreamFiles } from "../../../src/eval/report/file-names.ts";
import { DEFAULT_RULES } from "../../../src/vlmeval/score/rules.ts";
import { groupBy } from "../../../src/vlmeval/score/table.ts";
import type { Answered, Scored, SetDefinition, SetReport } from "../../../src/vlmeval/set-definition.ts";
import { cells, type Input, type Json, text } from "./input.ts";
import { withReplies } from "./stub-judge.ts";

/** Score and report rows that carry their predictions. */
export async function evaluate(
  set: SetDefinition,
  rows: readonly Input[],
  judge: string | null,
  replies: Json | undefined,
  predictions: string,
): Promise<{ report: SetReport; files: string[] }> {
  const context = { rules: DEFAULT_RULES, judge: judge !== null };
  const answered = rows.map((row): Answered => {
    const { prediction, ...rest } = cells(row);
    return { index: text(row.index), cells: rest, prediction: prediction ?? "nan" };
  });
  const key = (row: Answered) => set.groupKey?.(row) ?? row.index;
  const scores = new Map<string, Scored>();
  for (const group of groupBy(answered, key).values()) {
    const { result } = await withReplies(set.score(group, context), judge === null ? null : replies);
    for (const [place, row] of group.entries()) scores.set(row.index, { ...row, score: result[place]! });
  }
  const report = set.report(
    answered.map((row) => scores.get(row.index)!),
    context,
  );
  const files = upstreamFiles(set.files, predictions, judge ?? NO_JUDGE).map((file) => file.path);
  return { report, files: files.sort() };
}
