/** @file Let the judge read the final answer out of a reply, as the mathematics sets do when rules cannot. */
import { API_FAILURE } from "./can-infer.ts";
import { askJudge, type RowScore, type ScoreProgram } from "./program.ts";

const TRIES = 5;
/** Upstream's limit for these judges. */
const JUDGE_TOKENS = 128;

export interface Extraction {
  text: string;
  log: string;
  decision: RowScore["decision"];
}

/**
 * @param prompt the question to the judge
 * @param prediction the reply, as upstream writes it to its log
 * @returns an empty text when there is no judge or it failed five times
 */
export function* extractAnswer(prompt: string, prediction: string): ScoreProgram<Extraction> {
  let log = "";
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const reply = yield* askJudge({ prompt, maxTokens: JUDGE_TOKENS, attempt });
    if (reply === null) return { text: "", log: "No judge.", decision: "undecided" };
    if (!reply.includes(API_FAILURE)) return { text: reply, log: `${log}Succeed`, decision: "judge" };
    log += `Try ${attempt}: output is ${prediction}, failed to parse.\n`;
  }
  return { text: "", log: `${log}All ${TRIES} retries failed.\n`, decision: "judge-failed" };
}

/** Upstream's mark in the log of a row that needed no judge. */
export const PREFETCHED = "Prefetch succeed";
