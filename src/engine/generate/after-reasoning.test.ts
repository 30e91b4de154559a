// Working before an answer of a given form: what is let through, and what is not.
import { expect, test } from "vitest";
import { JsonConstraints, type Structure } from "../constraint/index.ts";
import { afterReasoning } from "./after-reasoning.ts";

const END = 256;
const constraints = new JsonConstraints(
  { vocabSize: 257, tokenBytes: (id) => Uint8Array.of(id), isSpecial: (id) => id === END },
  [END],
);

function fits(structure: Structure, text: string): boolean {
  const constraint = constraints.create(structure);
  const generated: number[] = [];
  return [...Buffer.from(text), END].every((token) => {
    const logits = new Float32Array(257);
    constraint.apply(logits, generated);
    generated.push(token);
    return logits[token] === 0;
  });
}

const answer = { json: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] } } as const;
const calls: Structure = { sequence: ["<call>", { json: { type: "array" } }, "</call>"] };

test("the answer may come at once, behind working, or behind working between marks", () => {
  const form = afterReasoning(answer, answer);
  const right = ['{"n":1}', '<think>a { b</think>{"n":1}', '<think></think>\n<answer>{"n":1}</answer>'];
  expect(right.filter((text) => !fits(form, text))).toEqual([]);
  const wrong = [
    "<think>a</think>",
    '<think>a</think>{"n":"1"}',
    '<think>a</think><answer>{"n":1}',
    '<answer>{"n":1}</answer>',
    '<think>a</think>{"n":1}</answer>',
    'So {"n":1}',
  ];
  expect(wrong.filter((text) => fits(form, text))).toEqual([]);
});

test("calls of tools may follow working, but stand between no marks of an answer", () => {
  const either = afterReasoning({ choice: [answer, calls] }, answer);
  expect(fits(either, "<think>a</think><call>[]</call>")).toBe(true);
  expect(fits(either, '<think>a</think><answer>{"n":1}</answer>')).toBe(true);
  expect(fits(either, "<think>a</think><answer><call>[]</call></answer>")).toBe(false);
  const only = afterReasoning(calls, answer);
  expect(fits(only, "<think>a</think>\n\n<call>[]</call>")).toBe(true);
  expect(fits(only, '<think>a</think><answer>{"n":1}</answer>')).toBe(false);
});

test("a schema that may stand in several places takes its states once", () => {
  const large: Structure = { json: { type: "string", maxLength: 8000 } };
  // Three times 8,000 characters would need more states than a grammar may have.
  expect(fits(afterReasoning(large, large), `<think>a</think>"b"`)).toBe(true);
});
