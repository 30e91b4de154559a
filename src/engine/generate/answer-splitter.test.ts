// However an answer is cut into pieces, its parts are the same, and what is no part of a mark is never lost.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type AnswerPart, AnswerSplitter, type SplitOptions } from "./answer-splitter.ts";

function split(text: string, cuts: readonly number[], options?: SplitOptions) {
  const splitter = new AnswerSplitter(options);
  const parts: AnswerPart[] = [];
  let from = 0;
  for (const cut of [...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]) {
    parts.push(...splitter.push(text.slice(from, cut)));
    from = cut;
  }
  parts.push(...splitter.end());
  const join = (type: "text" | "reasoning") => parts.map((part) => (part.type === type ? part.text : "")).join("");
  const calls: { name: string; arguments: string }[] = [];
  for (const part of parts) {
    if (part.type === "call") calls[part.index] = { name: part.name, arguments: "" };
    if (part.type === "arguments") calls[part.index]!.arguments += part.text;
  }
  return { text: join("text"), reasoning: join("reasoning"), calls };
}

const CALL = '<tool_call>\n{"name": "f", "arguments": {"a": "}</tool_call>\\"", "b": [{}]}}\n</tool_call>';
const ARGUMENTS = '{"a": "}</tool_call>\\"", "b": [{}]}';
const CASES: [string, SplitOptions, ReturnType<typeof split>][] = [
  ["<think>a\nb</think>\n\n<answer> c </answer>\n", {}, { text: "c", reasoning: "a\nb", calls: [] }],
  ["\n<think>a</think>b <answer>", {}, { text: "b <answer>", reasoning: "a", calls: [] }],
  ["<think>a", {}, { text: "", reasoning: "a", calls: [] }],
  ["<thing> a", {}, { text: "<thing> a", reasoning: "", calls: [] }],
  ["<think>a</think>b", { reasoning: false }, { text: "<think>a</think>b", reasoning: "", calls: [] }],
  [
    `Look.\n${CALL}\n${CALL}`,
    { tools: ["f"] },
    {
      text: "Look.",
      reasoning: "",
      calls: [
        { name: "f", arguments: ARGUMENTS },
        { name: "f", arguments: ARGUMENTS },
      ],
    },
  ],
  [
    `<think>t</think>${CALL}`,
    { tools: ["f"] },
    { text: "", reasoning: "t", calls: [{ name: "f", arguments: ARGUMENTS }] },
  ],
  [CALL, { tools: ["g"] }, { text: CALL, reasoning: "", calls: [] }],
  [CALL, {}, { text: CALL, reasoning: "", calls: [] }],
  ["a <tool_call> b", { tools: ["f"] }, { text: "a<tool_call> b", reasoning: "", calls: [] }],
  [
    '<tool_call>{"name": "f", "arguments": {"a": 1',
    { tools: ["f"] },
    { text: "", reasoning: "", calls: [{ name: "f", arguments: '{"a": 1' }] },
  ],
  ["a  \n b\n", { tools: ["f"] }, { text: "a  \n b\n", reasoning: "", calls: [] }],
];

test.each(CASES)("%j", (text, options, expected) => {
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 12 }), (cuts) => {
      expect(split(text, cuts, options)).toEqual(expected);
    }),
    { numRuns: 60, seed: 1 },
  );
});
