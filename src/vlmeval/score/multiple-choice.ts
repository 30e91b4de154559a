/** @file Multiple-choice scoring: one row by itself, or a circular group that must be right in every rotation (VLMEvalKit `utils/multiple_choice.py`). */
import { choiceJudgePrompt } from "../prompts/judge.ts";
import { API_FAILURE, type Choices, canInfer } from "./can-infer.ts";
import { askJudge, type RowScore, type ScoreProgram } from "./program.ts";
import type { ScoringRules } from "./rules.ts";

/** A row as the matcher sees it. */
export interface ChoiceItem {
  question: string;
  choices: Choices;
  prediction: string;
  /** The right letter. */
  truth: string;
}

const JUDGE_TRIES = 3;
/** A letter and a reason fit; upstream leaves its judge's default. */
const JUDGE_TOKENS = 64;

export interface ChosenOption {
  letter: string;
  log: string;
  decision: RowScore["decision"];
}

/**
 * The option a reply means; the judge is asked if the matcher cannot tell. Where upstream draws a random letter after
 * three useless replies, this gives `Z` (wrong) and says that the judge failed.
 * @param delimited use the judge prompt with delimiters (upstream: the set named exactly WeMath)
 */
export function* extractOption(item: ChoiceItem, rules: ScoringRules, delimited = false): ScoreProgram<ChosenOption> {
  const found = canInfer(item.prediction, item.choices, rules);
  if (found !== null) return { letter: found, log: item.prediction, decision: "rule" };
  const prompt = choiceJudgePrompt(item, delimited);
  for (let attempt = 0; attempt < JUDGE_TRIES; attempt++) {
    const reply = yield* askJudge({ prompt, maxTokens: JUDGE_TOKENS, attempt });
    if (reply === null) {
      const log = "Failed in Prefetch, no GPT-based answer matching under `exact_matching` policy.";
      return { letter: "Z", log, decision: "undecided" };
    }
    const letter = reply.includes(API_FAILURE) ? null : canInfer(reply, item.choices, rules);
    if (letter !== null) return { letter, log: reply, decision: "judge" };
  }
  return { letter: "Z", log: "The judge gave no usable reply; counted as wrong.", decision: "judge-failed" };
}

/** Score one row: right if the option is the row's answer (`eval_vanilla`). */
export function* scoreChoice(item: ChoiceItem, rules: ScoringRules, delimited = false): ScoreProgram<RowScore> {
  const { letter, log, decision } = yield* extractOption(item, rules, delimited);
  return choiceScore(letter, item.truth, decision, `Match Log: ${log}. `);
}

function choiceScore(letter: string | null, truth: string, decision: RowScore["decision"], log: string): RowScore {
  const correct = letter === truth;
  return { value: correct ? 1 : 0, correct, extracted: letter, decision, fields: { hit: correct ? 1 : 0, log } };
}

/**
 * The verdict of the rules on a circular group: 0 as soon as any rotation is read as a wrong letter, 1 if all are read
 * and right, null if that is open (`prefetch_circular_group`).
 * @example prefetchCircular([item], DEFAULT_RULES).hit
 */
export function prefetchCircular(
  group: readonly ChoiceItem[],
  rules: ScoringRules,
): { hit: 0 | 1 | null; letters: (string | null)[] } {
  const letters = group.map((item) => canInfer(item.prediction, item.choices, rules));
  const wrong = letters.some((letter, place) => letter !== null && letter !== group[place]!.truth);
  if (wrong) return { hit: 0, letters };
  return { hit: letters.every((letter) => letter !== null) ? 1 : null, letters };
}

/**
 * Score a circular group. The judge is asked only if the rules leave it open, rotation by rotation until one is wrong;
 * every row of the group carries the group's verdict.
 */
export function* scoreCircular(group: readonly ChoiceItem[], rules: ScoringRules): ScoreProgram<RowScore[]> {
  const { hit, letters } = prefetchCircular(group, rules);
  let correct = hit === 1;
  let decision: RowScore["decision"] = "rule";
  if (hit === null) {
    correct = true;
    for (const [place, item] of group.entries()) {
      if (letters[place] !== null) continue;
      const option = yield* extractOption(item, rules);
      letters[place] = option.letter;
      if (option.decision !== "rule") decision = option.decision;
      if (option.letter !== item.truth) {
        correct = false;
        break;
      }
    }
  }
  const log = correct ? "Every rotation is right." : "Not every rotation is right.";
  return group.map((_, place) => ({
    value: correct ? 1 : 0,
    correct,
    extracted: letters[place] ?? null,
    decision,
    fields: { hit: correct ? 1 : 0, log },
  }));
}
