/** @file Rows of preference data as TRL, LLaMA-Factory and MMPR write them, and what is wrong with others. */

import { expect, test } from "vitest";
import { parsePreference } from "../../src/train/data/parse-preference.ts";

const IMAGE = { type: "image", image: "/data/a.png" };
const text = (words: string) => ({ type: "text", text: words });
const QUESTION = { role: "user", content: [IMAGE, text("Which colour?")] };
const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const parse = (row: unknown, question?: string) => parsePreference(row, { folder: "/data", question });

test.each([
  ["MMPR", { image: "a.png", question: "Which colour?", chosen: "red", rejected: "blue" }],
  ["TRL with texts", { images: ["a.png"], prompt: "Which colour?", chosen: "red", rejected: "blue" }],
  [
    "TRL with turns",
    {
      images: ["a.png"],
      prompt: [user([{ type: "image" }, text("Which colour?")])],
      chosen: [assistant([text("red")])],
      rejected: [assistant("blue")],
    },
  ],
  [
    "TRL without a prompt",
    {
      images: ["a.png"],
      chosen: [user("Which colour?"), assistant("red")],
      rejected: [user("Which colour?"), assistant("blue")],
    },
  ],
  [
    "TRL with the question in both places",
    {
      images: ["a.png"],
      prompt: "Which colour?",
      chosen: [user("Which colour?"), assistant("red")],
      rejected: [user("Which colour?"), assistant("blue")],
    },
  ],
  [
    "LLaMA-Factory's ShareGPT form",
    {
      images: ["a.png"],
      conversations: [{ from: "human", value: "Which colour?" }],
      chosen: { from: "gpt", value: "red" },
      rejected: { from: "gpt", value: "blue" },
    },
  ],
  [
    "LLaMA-Factory's Alpaca form",
    { images: ["a.png"], instruction: "Which colour?", input: "", chosen: "red", rejected: "blue" },
  ],
  [
    "a reference answer beside",
    { image: "a.png", question: "Which colour?", answer: "red", chosen: "red", rejected: "blue" },
  ],
  [
    "null columns",
    { image: "a.png", images: null, prompt: null, question: "Which colour?", chosen: "red", rejected: "blue" },
  ],
])("%s", (_, row) => {
  const { prompt, chosen, rejected } = parse(row);
  expect(prompt.map(({ role, content }) => ({ role, content: (content as { text?: string }[]).map(trimmed) }))).toEqual(
    [QUESTION],
  );
  expect([chosen, rejected]).toEqual(["red", "blue"]);
});

const trimmed = (part: { text?: string }) => (part.text === undefined ? part : { ...part, text: part.text.trim() });

test("earlier turns and a system text are part of the prompt, rows without a question ask the recipe's", () => {
  const row = {
    system: "Be brief.",
    history: [["Hello", "Hi"]],
    instruction: "Add",
    input: "1 and 2",
    chosen: "3",
    rejected: "4",
  };
  expect(parse(row).prompt).toEqual([
    { role: "system", content: "Be brief." },
    user("Hello"),
    assistant("Hi"),
    user("Add\n1 and 2"),
  ]);
  expect(parse({ chosen: "red", rejected: "blue" }, "Which?").prompt).toEqual([user("Which?")]);
});

test.each([
  [["red"], /the row is \["red"\], expected an object/],
  [{ prompt: "a", chosen: "b" }, /the row has keys prompt, chosen, expected rejected, too/],
  [{ prompt: "a", chosen: "b", rejected: "b" }, /chosen and rejected are the same text, "b"/],
  [{ chosen: "b", rejected: "c" }, /expected "conversations" or "messages" with a list, or a column question/],
  [{ prompt: "a", chosen: 7, rejected: "c" }, /chosen is 7, expected the text of an answer, or its turn/],
  [
    { prompt: "a", chosen: [user("b")], rejected: "c" },
    /chosen ends with a turn of "user", expected one of the assistant/,
  ],
  [
    { chosen: [user("a"), assistant("b")], rejected: [user("x"), assistant("c")] },
    /chosen and rejected differ before their last turn/,
  ],
  [
    { prompt: "z", chosen: [user("a"), assistant("b")], rejected: [user("a"), assistant("c")] },
    /chosen holds a conversation beside a prompt of its own/,
  ],
  [
    { messages: [user("a"), assistant("b")], chosen: "c", rejected: "d" },
    /the prompt ends with a turn of the assistant/,
  ],
  [
    { prompt: "a", chosen: [assistant([{ type: "image" }])], rejected: "c" },
    /the answer in chosen is .* expected text/,
  ],
])("%j is refused", (row, message) => {
  expect(() => parse(row)).toThrow(message);
});
