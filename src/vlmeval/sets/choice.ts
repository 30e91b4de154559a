/** @file What all multiple-choice sets share: scoring by option, vanilla or circular, and the accuracy report. */
import { choicePrompt } from "../prompts/dataset-default.ts";
import { byCategory } from "../score/by-category.ts";
import { rowChoices } from "../score/letters.ts";
import { type ChoiceItem, scoreChoice, scoreCircular } from "../score/multiple-choice.ts";
import type { RowScore, ScoreProgram } from "../score/program.ts";
import { reportAccuracy } from "../score/report-accuracy.ts";
import { groupBy } from "../score/table.ts";
import type { Answered, Metric, ScoreContext, Scored, SetDefinition, SetReport } from "../set-definition.ts";

/** A row as the matcher sees it. */
export function choiceItem(row: Answered, truth = row.cells.answer ?? "nan"): ChoiceItem {
  return { question: row.cells.question ?? "nan", choices: rowChoices(row.cells), prediction: row.prediction, truth };
}

function* scoreOne(rows: readonly Answered[], { rules }: ScoreContext): ScoreProgram<RowScore[]> {
  const scores: RowScore[] = [];
  for (const row of rows) scores.push(yield* scoreChoice(choiceItem(row), rules));
  return scores;
}

/** Accuracy overall and per split; the last split whose name says test, else validation, is the headline. */
export function choiceReport(rows: readonly Scored[]): SetReport {
  const hits = rows.map((row) => ({ hit: Number(row.score.correct), cells: row.cells }));
  const units = rows.map((row) => ({ id: row.index, value: Number(row.score.correct) }));
  const metrics: Metric[] = [{ name: "Overall", combine: "mean", units }];
  const splits = [...new Set(rows.map((row) => row.cells.split ?? null))].filter((split) => split !== null);
  if (splits.length > 1) {
    for (const split of splits) {
      const part = units.filter((_, place) => rows[place]!.cells.split === split);
      metrics.push({ name: `Overall (${split})`, combine: "mean", units: part });
    }
  }
  const preferred = ["test", "validation", "val"].map((split) => `Overall (${split})`);
  return {
    table: reportAccuracy(hits),
    metrics,
    headline: preferred.find((name) => metrics.some((metric) => metric.name === name)) ?? "Overall",
    categories: byCategory(rows, ["l2-category", "category"]),
  };
}

type Basics = Pick<SetDefinition, "name"> & Partial<SetDefinition>;

/** A multiple-choice set whose rows stand for themselves. */
export function choiceSet(basics: Basics): SetDefinition {
  return {
    type: "MCQ",
    columns: ["index", "question", "answer", "A", "B"],
    files: "choice",
    metricNote: "accuracy over all rows, option letter by the matcher, judge for the rest",
    defaultPrompt: choicePrompt,
    score: scoreOne,
    report: choiceReport,
    ...basics,
  };
}

/** Rotations of one question share the last six digits of their index. */
const ROTATION = 1_000_000n;

function circularKey(row: Pick<Answered, "index" | "cells">): string {
  const group = row.cells.g_index ?? null;
  if (group !== null) return group;
  if (!/^-?\d+$/.test(row.index)) {
    throw new Error(`Index ${JSON.stringify(row.index)} is no whole number; circular sets need whole numbers.`);
  }
  return String(BigInt(row.index) % ROTATION);
}

/** A multiple-choice set in which a question counts only if every rotation of its options is right. */
export function circularSet(basics: Basics): SetDefinition {
  return choiceSet({
    metricNote: "circular accuracy: a question counts if all rotations of its options are right",
    groupKey: circularKey,
    *score(rows, { rules }) {
      return yield* scoreCircular(
        rows.map((row) => choiceItem(row)),
        rules,
      );
    },
    report: (rows) => {
      const report = choiceReport(rows.filter((row) => row.index === circularKey(row)));
      // Every rotation by itself, beside upstream's number.
      const vanilla = [...groupBy(rows, circularKey)].map(([id, group]) => {
        const right = group.filter((row) => row.score.extracted === row.cells.answer).length;
        return { id, value: right / group.length };
      });
      report.metrics.push({ name: "Vanilla (every rotation by itself)", combine: "mean", units: vanilla });
      return report;
    },
    ...basics,
  });
}
