/** @file Lets an answer that is held to a form begin with the model's working. */
import type { Structure } from "../constraint/index.ts";
import { ANSWER_MARKS, THINK_MARKS } from "./answer-splitter.ts";

/** What models write between the end of their working and their answer. */
const LAYOUT: Structure = { choice: ["", "\n", "\n\n"] };

/**
 * The form, or the working and then the form.
 *
 * @param form what the answer is held to
 * @param answer the part of it that may stand between the marks of an answer: calls of tools stand outside
 * @example afterReasoning({ json: true }, { json: true }); // {…} or <think>…</think>{…} or <think>…</think><answer>{…}</answer>
 */
export function afterReasoning(form: Structure, answer: Structure | undefined): Structure {
  const holdsAnswer = answer !== undefined && (form === answer || isChoiceWith(form, answer));
  const marked: Structure[] = holdsAnswer
    ? [{ sequence: [ANSWER_MARKS[0], LAYOUT, answer, LAYOUT, ANSWER_MARKS[1]] }]
    : [];
  return {
    choice: [form, { sequence: [THINK_MARKS[0], { until: THINK_MARKS[1] }, LAYOUT, { choice: [form, ...marked] }] }],
  };
}

const isChoiceWith = (form: Structure, part: Structure): boolean =>
  typeof form === "object" && "choice" in form && form.choice.includes(part);
