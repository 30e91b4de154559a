/** @file Vector functions of yes/no, VQA, OCRBench and MM-Vet, of prompts, and of files and tables. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { choosePrimaryMetric, flattenTable } from "../../../src/eval/report/status-metrics.ts";
import { isComplete } from "../../../src/eval/run/is-complete.ts";
import { typedValue } from "../../../src/vlmeval/data/column-type.ts";
import { loadRows } from "../../../src/vlmeval/data/load-rows.ts";
import { type PredictionFormat, readBack } from "../../../src/vlmeval/data/read-back.ts";
import { openTsv } from "../../../src/vlmeval/data/tsv-source.ts";
import { type DatasetType, flashvlPrompt } from "../../../src/vlmeval/prompts/flashvl.ts";
import { flattenParts, type PromptPart } from "../../../src/vlmeval/prompts/parts.ts";
import { toListOfTexts } from "../../../src/vlmeval/python/to-list.ts";
import { gradeMmVet, mmVetTables } from "../../../src/vlmeval/score/mmvet.ts";
import { ocrBenchHit, ocrBenchScores } from "../../../src/vlmeval/score/ocrbench.ts";
import { processPunctuation } from "../../../src/vlmeval/score/punctuation.ts";
import type { Table } from "../../../src/vlmeval/score/table.ts";
import {
  anlsDistance,
  relaxedCorrectness,
  type VqaMethod,
  vqaHit,
  vqaMatches,
} from "../../../src/vlmeval/score/vqa-matches.ts";
import { normaliseVqaAnswer } from "../../../src/vlmeval/score/vqa-normalise.ts";
import {
  defaultYesNoRating,
  extractYesNo,
  hallusionRating,
  mmeRating,
  popeRating,
  type YesNoRow,
} from "../../../src/vlmeval/score/yes-no.ts";
import { findSet } from "../../../src/vlmeval/sets/index.ts";
import { vqaRule, vqaSet } from "../../../src/vlmeval/sets/vqa.ts";
import { plainYesNoSet } from "../../../src/vlmeval/sets/yes-no.ts";
import { evaluate } from "./evaluate.ts";
import { abbreviate, cells, expand, type Input, type Json, rowsOf, text } from "./input.ts";
import { withReplies } from "./stub-judge.ts";

const yesNoRows = (input: Input) =>
  rowsOf(input).map(
    (row): YesNoRow => ({
      index: text(row.index),
      cells: cells(row),
      extracted: row.extracted === undefined ? null : text(row.extracted),
      correct: Boolean(row.score),
    }),
  );

/** A table with one row per split, by split. */
function bySplit(table: Table) {
  return Object.fromEntries(table.rows.map(({ split, ...rest }) => [split, rest]));
}

async function inFile<Result>(name: string, content: string, use: (path: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "vectors-"));
  const path = join(folder, name);
  writeFileSync(path, content);
  try {
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `<178 chars>` is the list of the two texts below, which the output shows. */
const IMAGES = { list: `['${"a".repeat(80)}', '${"b".repeat(90)}']` };

function loadImages(input: Input) {
  const quote = (value: Json | undefined) => {
    if (value === null || value === undefined) return "";
    const full = value === "<178 chars>" ? IMAGES.list : expand(text(value));
    return `"${full.replaceAll('"', '""')}"`;
  };
  const lines = rowsOf(input).map((row) => `${quote(row.index)}\t${quote(row.image)}\n`);
  return inFile("set.tsv", `index\timage\n${lines.join("")}`, async (path) => {
    const source = await openTsv(path);
    const rows = loadRows(source, "");
    const index: (string | number)[] = [];
    const image: Json[] = [];
    for (let at = 0; at < rows.length; at++) {
      index.push(rows.wholeIndices ? Number(rows.index(at)) : rows.index(at));
      const sizes = (await rows.load(at)).images.map((picture) => (picture as Uint8Array).length);
      // Base64 of n characters holds 3/4 n bytes.
      const texts = sizes.map((bytes) => `<${Math.ceil((bytes * 4) / 3)} chars>`);
      image.push(texts.length === 1 ? texts[0]! : texts);
    }
    rows.close();
    return { index, image };
  });
}

function loadTsv(input: Input) {
  return inFile("set.tsv", text(input.tsv), async (path) => {
    const source = await openTsv(path);
    const rows = Array.from({ length: source.length }, (_, row) =>
      source.columns.map((column) => typedValue(source.cells(row)[column]!, source.types[column]!)),
    );
    const named = Object.entries(source.types).map(([name, type]) => [name, type === "truth" ? "object" : type]);
    const dtypes = Object.fromEntries(named);
    source.close();
    return { dtypes, rows };
  });
}

/** The file leaves the rows of this case out: one of each split, the human one right. */
const CHART_ROWS: Input[] = [
  { index: 0, question: "Q", answer: "10", split: "test_human", prediction: "10" },
  { index: 1, question: "Q", answer: "10", split: "test_augmented", prediction: "20" },
];

export const generalFunctions: Record<string, (input: Input) => unknown> = {
  YOrN_Extraction: (input) => extractYesNo(text(input.output), "compat"),
  MME_rating: (input) => mmeRating(yesNoRows(input), "compat"),
  Hallusion_rating: (input) => bySplit(hallusionRating(yesNoRows(input))),
  POPE_rating: (input) => bySplit(popeRating(yesNoRows(input))),
  default_rating: (input) => defaultYesNoRating(yesNoRows(input)),
  "ImageYORNDataset.evaluate(exact_matching)": async (input) => {
    const { report, files } = await evaluate(plainYesNoSet(text(input.dataset)), rowsOf(input), null, null, "m_d.xlsx");
    return { score: report.table, files };
  },
  process_answer: (input) => normaliseVqaAnswer(text(input.answer), "compat"),
  relaxed_correctness: (input) => relaxedCorrectness(text(input.target), text(input.prediction), "compat"),
  anls_compute: (input) => anlsDistance(text(input.groundtruth), text(input.prediction), "compat"),
  "process_line+hit_calculate": (input) => {
    const row = input.line as Input;
    const method = text(input.method) as VqaMethod;
    const { gt, pred, match } = vqaMatches(text(row.answer), text(row.prediction), method, "compat");
    const hit = vqaHit(match, vqaRule(text(input.dataset)).aggregate);
    // NumPy's maximum of truths is a truth.
    return { gt, pred, match, hit: typeof match[0] === "boolean" ? hit === 1 : hit };
  },
  "OCRBench.evaluate": (input) =>
    ocrBenchScores(
      rowsOf(input).map((row) => ({
        category: text(row.category),
        correct: ocrBenchHit(text(row.answer), text(row.category), text(row.prediction)),
      })),
    ),
  MMVet_acc: (input) =>
    mmVetTables(
      rowsOf(input).map((row) => ({ category: text(row.category), score: Number(row.score) })),
      "compat",
    ),
  MMVet_auxeval: async (input) => {
    const program = gradeMmVet({ question: "Q", answer: "A", prediction: "p" });
    const { result, calls } = await withReplies(program, input.judge_replies);
    return { score: result.value, judge_calls: calls };
  },
  "ImageVQADataset.evaluate": async (input) => {
    const name = text(input.dataset);
    const rows = input.rows === undefined ? CHART_ROWS : rowsOf(input);
    const { report, files } = await evaluate(vqaSet({ name }), rows, null, null, `M_${name}.xlsx`);
    return { score: report.table.rows[0], files };
  },
  "FlashVL.build_prompt": (input) => {
    const row = cells(input.line);
    return flashvlPrompt(text(input.dataset), text(input.dataset_type) as DatasetType, row, picturesOf(input.line));
  },
  "BaseModel.message_to_promptimg": (input) => {
    const { text: prompt, image } = flattenParts(input.message as unknown as PromptPart[]);
    return [prompt, image];
  },
  "dataset.build_prompt": (input) => {
    const row = cells(input.line);
    const name = text(input.dataset);
    return findSet(name)!.defaultPrompt(row, picturesOf(input.line), name);
  },
  toliststr: (input) => (Array.isArray(input.s) ? input.s.map(text) : toListOfTexts(text(input.s))),
  process_punctuation: (input) => processPunctuation(text(input.text), "compat"),
  choose_primary_metric: (input) => choosePrimaryMetric(input.metric_names as string[]),
  flatten_summary_metrics: (input) => flattenTable(input.table as unknown as Table),
  "ImageBaseDataset.load": loadImages,
  dump_then_load: (input) => {
    const replies = (input.predictions as string[]).map(expand);
    return readBack(replies, text(input.format) as PredictionFormat).map((value) =>
      typeof value === "string"
        ? abbreviate(value)
        : value === Number.POSITIVE_INFINITY
          ? "inf"
          : value === Number.NEGATIVE_INFINITY
            ? "-inf"
            : value,
    );
  },
  load_tsv: loadTsv,
  is_prediction_complete: (input) => {
    const indices = (input.dataset_indices as Json[]).map(text);
    const predictions = (input.predictions as string[]).map((prediction, at) => ({ index: indices[at]!, prediction }));
    return isComplete(predictions, indices, Boolean(input.retry_failed));
  },
};

/** The pictures' names: a text, a Python list in a text, or a list. */
function picturesOf(line: Json | undefined): string[] {
  const paths = (line as Input).image_path ?? "img.png";
  return Array.isArray(paths) ? paths.map(text) : toListOfTexts(text(paths));
}
