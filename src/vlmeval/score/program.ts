/** @file A score as a conversation: a generator that asks the judge, or for an equivalence of expressions, only when its rules cannot decide. */

/** A question to the judge. `attempt` counts up while replies cannot be used; upstream raises the temperature with it. */
export interface JudgeAsk {
  kind: "judge";
  system?: string;
  prompt: string;
  maxTokens: number;
  attempt: number;
}

/** Are two mathematical expressions equal? Answered by a computer algebra system under a time limit. */
export interface EquivalenceAsk {
  kind: "equivalence";
  answer: string;
  reference: string;
}

export type Ask = JudgeAsk | EquivalenceAsk;
/** The judge's text; null if there is no judge; a boolean for an equivalence. */
export type Reply = string | boolean | null;

/** How a row's verdict came about. */
export type Decision = "rule" | "judge" | "undecided" | "judge-failed";

/** The verdict on one row. */
export interface RowScore {
  /** Credit 0..1. */
  value: number;
  correct: boolean;
  /** What was read out of the reply, for a person. */
  extracted: string | null;
  decision: Decision;
  /** Columns that VLMEvalKit's judged file gets, by its names: hit, log, res, … */
  fields: Record<string, string | number | boolean | null>;
}

export type ScoreProgram<Result> = Generator<Ask, Result, Reply>;

/** Ask the judge once. @returns its text, or null if there is no judge */
export function* askJudge(ask: Omit<JudgeAsk, "kind">): ScoreProgram<string | null> {
  const reply = yield { kind: "judge", ...ask };
  return typeof reply === "string" ? reply : null;
}

/** Ask whether two expressions are equal. */
export function* askEquivalence(answer: string, reference: string): ScoreProgram<boolean> {
  return (yield { kind: "equivalence", answer, reference }) === true;
}

/**
 * Run a program to its end with a partner that may take its time.
 * @example await runProgram(program, (ask) => (ask.kind === "judge" ? null : checker.equal(ask.answer, ask.reference)))
 */
export async function runProgram<Result>(
  program: ScoreProgram<Result>,
  respond: (ask: Ask) => Reply | Promise<Reply>,
): Promise<Result> {
  let step = program.next();
  while (!step.done) step = program.next(await respond(step.value));
  return step.value;
}
