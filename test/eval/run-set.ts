/** @file A whole run of one set for tests: rows to a TSV file, scripted replies to answers, rules or a scripted judge to a score. */
import { join } from "node:path";
import { type Answerer, evaluate, Judge, openBench, type SetResult } from "../../src/eval/index.ts";
import { DEFAULT_RULES, type ScoringRules } from "../../src/vlmeval/index.ts";
import {
  type Cell,
  chatEndpoint,
  promptOf,
  QUICK_RETRY,
  scriptedAnswerer,
  temporaryFolder,
  writeTsv,
} from "./fixtures.ts";

export interface Run {
  result: SetResult;
  out: string;
  /** What the model was asked, by row: texts, and `[picture]` for each picture. */
  prompts: Record<string, string>;
}

export interface RunSetOptions {
  judge?: Judge;
  rules?: ScoringRules;
  /** Row files as; workbooks take longest. Default xlsx. */
  format?: "xlsx" | "json";
}

/** Two groups of WeMath, 0 and 1: two steps and the whole each, rows 0 to 2 and 10 to 12, of which B is right. */
export const weMathRows = (image: string, more: Record<string, Cell> = {}) =>
  [0, 1].flatMap((group) =>
    ["2steps_1", "2steps_2", "2steps_multi"].map((key, step) => ({
      index: group * 10 + step,
      image,
      question: "Which?",
      A: "one",
      B: "two",
      answer: "B",
      ID: `g${group}`,
      key,
      "knowledge concept": "Rotation",
      ...more,
    })),
  );

/** Runs `rows` under the set's name; the model says `replies`. */
export async function runSet(
  name: string,
  rows: readonly Record<string, Cell>[],
  replies: Record<string, string>,
  options: RunSetOptions = {},
): Promise<Run> {
  const out = temporaryFolder();
  writeTsv(join(out, `${name}.tsv`), rows);
  const rules = options.rules ?? DEFAULT_RULES;
  const { bench, dataMd5, close } = await openBench(name, { dataFolder: out, offline: true, rules });
  const prompts: Record<string, string> = {};
  const result = await evaluate(bench, noting(scriptedAnswerer(replies), prompts), {
    out,
    dataMd5,
    rules,
    judge: options.judge ?? null,
    html: false,
    format: options.format,
  });
  close();
  return { result: result!, out, prompts };
}

/** The same answerer; what it is asked is put down in `prompts`. */
function noting(answerer: Answerer, prompts: Record<string, string>): Answerer {
  return {
    ...answerer,
    answer: (requests, options) =>
      answerer.answer(
        (async function* () {
          for await (const request of requests) {
            const contents = request.messages.flatMap(({ content }) =>
              typeof content === "string"
                ? [content]
                : content.map((part) => ("text" in part ? part.text : "[picture]")),
            );
            prompts[request.key] = [...request.images.map(() => "[picture]"), ...contents].join("");
            yield request;
          }
        })(),
        options,
      ),
  };
}

/** A judge that gives what `reply` says to a question's text; a number is an HTTP status. */
export async function scriptedJudge(reply: (prompt: string) => string | number) {
  const endpoint = await chatEndpoint((request) => reply(promptOf(request)));
  const judge = new Judge({ baseUrl: endpoint.baseUrl, model: "gpt-4o-mini", cachePath: null, policy: QUICK_RETRY });
  return { judge, endpoint };
}

/** A metric's value by its name. */
export const metric = (result: SetResult, name: string) => result.metrics.find((item) => item.name === name)?.value;
