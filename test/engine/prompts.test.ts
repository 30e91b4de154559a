/** @file Bare prompts, counts of tokens, and calls of tools that an answer is held to. */
import { expect, it } from "vitest";
import { AnswerSplitter } from "../../src/engine/index.ts";
import type { Message } from "../../src/processor/index.ts";
import { tinyModels } from "./support/models.ts";

const open = tinyModels();
const messages: Message[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "你好" },
];

it("a bare prompt with the template's own marks gets the conversation's answer, as text and as tokens", async () => {
  const model = await open();
  const chat = await model.generate(null, messages, { maxNewTokens: 8 });
  const written = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n";
  const ids = model.tokenizer.encode(written, { controlTokens: true });
  for (const prompt of [written, ids]) {
    let tokens: number[] = [];
    for await (const part of model.stream(null, { prompt }, { maxNewTokens: 8 }))
      if (part.done) tokens = part.result.tokens;
    expect(tokens).toEqual(chat.tokens);
  }
  expect(await model.countTokens(messages)).toBe(chat.usage.promptTokens);
  expect(ids).toHaveLength(chat.usage.promptTokens);
  const wrong = model.stream(null, { prompt: [1, 10_000_000] })[Symbol.asyncIterator]();
  await expect(wrong.next()).rejects.toThrow(/10000000 is not a token/);
});

it("an answer that must call tools calls them, with arguments that fit their schemas", async () => {
  const model = await open();
  const tools = [
    { name: "clock" },
    {
      name: "weather",
      parameters: {
        type: "object",
        properties: { city: { enum: ["Oslo", "Bern"] }, days: { type: "integer", minimum: 1, maximum: 9 } },
        required: ["city", "days"],
        additionalProperties: false,
      },
    },
  ];
  const call = async (options: object) => {
    const { text, finishReason } = await model.generate(null, messages, { tools, maxNewTokens: 200, ...options });
    const splitter = new AnswerSplitter({ tools: tools.map(({ name }) => name) });
    const parts = [...splitter.push(text), ...splitter.end()];
    const names = parts.flatMap((part) => (part.type === "call" ? [part.name] : []));
    const args = parts.map((part) => (part.type === "arguments" ? part.text : "")).join("");
    return { names, args, finishReason, rest: parts.some(({ type }) => type === "text") };
  };
  const named = await call({ toolChoice: { name: "weather" } });
  expect(named).toMatchObject({ names: ["weather"], finishReason: "stop", rest: false });
  expect(JSON.parse(named.args)).toEqual({ city: expect.stringMatching(/Oslo|Bern/), days: expect.any(Number) });
  const any = await call({ toolChoice: "required", parallelToolCalls: false });
  expect(any.names).toHaveLength(1);
  const either = await call({ schema: { const: 1 }, parallelToolCalls: false });
  expect(either.rest ? either.names : [either.names.length]).toEqual(either.rest ? [] : [1]);
  await expect(call({ toolChoice: { name: "toString" } })).rejects.toThrow(/none of the tools/);
  await expect(call({ tools: [], toolChoice: "required" })).rejects.toThrow(/no tools/);
});
