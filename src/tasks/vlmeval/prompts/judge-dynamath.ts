/** @file The question to a judge: the short answer inside a free reply to a DynaMath question. */

const INSTRUCTIONS: Record<string, string> = {
  "multiple choice": "Print the letter of the chosen option, such as 'A', 'B', 'C' or 'D', on one line.",
  float: "Print the number as a floating-point number with three digits, on one line.",
};
const OTHER =
  "Print a short answer on one line; write numbers with a fraction as floating-point numbers of three digits.";

/** Ask for nothing but the short answer, in the form that the row's answer type needs. */
export function dynaMathJudgePrompt(reply: string, answerType: string): string {
  return `Free-form answer: ${reply}\nInstruction: ${INSTRUCTIONS[answerType] ?? OTHER}`;
}
