/** @file A benchmark set with its data, opened: a task for evaluation and for reinforcement learning alike. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { type ImageInput, loadImage, resizeImage } from "../processor/index.ts";
import { equalAnswers, type Score, type Task } from "../tasks/index.ts";
import { loadRows, type VlmRow, type VlmRows } from "./data/load-rows.ts";
import { openSource } from "./data/open-source.ts";
import { doublesFirst, type PromptStyle, promptMessages } from "./prompts/style.ts";
import { PythonError } from "./python/errors.ts";
import { runProgram } from "./score/program.ts";
import { DEFAULT_RULES, type ScoringRules } from "./score/rules.ts";
import type { SetDefinition } from "./set-definition.ts";
import { customSet, findSet } from "./sets/index.ts";

export interface VlmTaskOptions {
  /** The data file: TSV, JSONL or Parquet in VLMEvalKit's columns. */
  path: string;
  /** Default `recommended`. */
  prompt?: PromptStyle;
  /** Default: newest matcher, compatibility mode. */
  rules?: ScoringRules;
  /** Ends the reading of the file. */
  signal?: AbortSignal;
}

/** A set's task; `set` and `data` are what evaluation uses beyond the contract. */
export interface VlmTask extends Task<VlmRow> {
  readonly set: SetDefinition;
  readonly data: VlmRows;
  readonly promptStyle: PromptStyle;
  readonly rules: ScoringRules;
  /** Row `at` with its pictures as the style of prompts shows them. */
  load(at: number): Promise<VlmRow>;
  /** The same task, asked in another style. */
  asked(style: PromptStyle): VlmTask;
  close(): void;
}

/** Sets whose question stands in the picture get this text, as upstream's tables show it. */
const NO_QUESTION = "placeholder";

/**
 * Open a known set, or a file of one's own under any other name.
 *
 * `score` uses rules only: where a judge would be needed the answer is wrong, as upstream's `exact_matching` counts it.
 * A circular set's rows are scored one by one.
 *
 * @param named a set's name, the definition of a new set, or the name for a custom file
 * @throws if the file is missing, unreadable, or lacks columns that the set needs
 * @example
 * const task = await openVlmTask("MMStar", { path: "LMUData/MMStar.tsv" });
 * for await (const row of task.rows()) await task.score(row, await ask(task.prompt(row)));
 */
export async function openVlmTask(named: string | SetDefinition, options: VlmTaskOptions): Promise<VlmTask> {
  const name = typeof named === "string" ? named : named.name;
  const { path, prompt: promptStyle = "recommended", rules = DEFAULT_RULES } = options;
  if (!existsSync(path)) throw new Error(`${path}: no such file; expected the data of ${name}.`);
  const source = await openSource(path, options.signal);
  let data: VlmRows;
  let set: SetDefinition;
  try {
    data = loadRows(source, dirname(path));
    set = typeof named === "string" ? (findSet(name) ?? customSet(name, data.columns)) : named;
    const missing = set.columns.filter((column) => !data.columns.includes(column));
    if (missing.length > 0) {
      throw new Error(
        `${path} lacks the column${missing.length > 1 ? "s" : ""} ${missing.join(", ")}, which ${name} needs; it has ${data.columns.join(", ")}.`,
      );
    }
  } catch (error) {
    source.close();
    throw error;
  }
  return taskOver(set, data, promptStyle, rules);
}

/** The task of a set over rows that are open. */
function taskOver(set: SetDefinition, data: VlmRows, promptStyle: PromptStyle, rules: ScoringRules): VlmTask {
  const vision = set.name.includes("MMMU_Pro_V");
  const asAsked = (row: VlmRow): VlmRow["cells"] => (vision ? { ...row.cells, question: NO_QUESTION } : row.cells);
  const load = async (at: number): Promise<VlmRow> => {
    const row = await data.load(at);
    const [first, ...more] = row.images;
    return first !== undefined && doublesFirst(set, promptStyle)
      ? { ...row, images: [await doubled(first), ...more] }
      : row;
  };
  return {
    name: set.name,
    set,
    data,
    promptStyle,
    rules,
    load,
    asked: (style) => taskOver(set, data, style, rules),
    async *rows() {
      for (let at = 0; at < data.length; at++) yield await load(at);
    },
    prompt: (row) => promptMessages(set, promptStyle, asAsked(row), row.images),
    score: (row, answer) => scoreOne(set, rules, row, answer),
    close: () => data.close(),
  };
}

/** A picture at twice its width and height, as Pillow's bilinear filter enlarges it. One that can't be read stays as it is: whoever is asked about it says why. */
async function doubled(image: ImageInput): Promise<ImageInput> {
  const read = await loadImage(image).catch(() => null);
  return read === null ? image : resizeImage(read, 2 * read.width, 2 * read.height, "bilinear");
}

async function scoreOne(set: SetDefinition, rules: ScoringRules, row: VlmRow, answer: string): Promise<Score> {
  const answered = { index: row.index, cells: row.cells, prediction: answer };
  try {
    const program = set.score([answered], { rules, judge: false });
    const [score] = await runProgram(
      program,
      (ask) => ask.kind === "equivalence" && equalAnswers(ask.answer, ask.reference),
    );
    const detail = `read ${JSON.stringify(score!.extracted)}, expected ${JSON.stringify(row.cells.answer ?? null)}`;
    return { correct: score!.correct, value: score!.value, detail };
  } catch (error) {
    if (!(error instanceof PythonError)) throw error;
    return { correct: false, value: 0, detail: `upstream fails on this row: ${error.message}` };
  }
}
