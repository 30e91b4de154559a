// Tools in prompts are written as Qwen2.5's published template writes them, token for token.
import { expect, test } from "vitest";
import {
  buildPrompt,
  encodeConversation,
  type Message,
  Tokenizer,
  type ToolDefinition,
} from "../../src/processor/index.ts";
import { qwenFiles } from "./golden.ts";

const { json, config } = qwenFiles();
const qwen = Tokenizer.fromJSON(json, config);
const tools: ToolDefinition[] = [
  {
    name: "weather",
    description: 'The "weather" of a city, 天气.',
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
      required: ["city"],
    },
  },
  { name: "time" },
];
const messages: Message[] = [
  { role: "user", content: "Oslo?" },
  {
    role: "assistant",
    content: "I look.",
    toolCalls: [
      { name: "weather", arguments: '{"city":"Oslo","days":2}' },
      { name: "time", arguments: {} },
    ],
  },
  { role: "tool", content: "rain" },
  { role: "tool", content: [{ type: "text", text: "12:00" }] },
];
/** What the template in Qwen2.5-Instruct's tokenizer_config.json says for this, written out. */
const RENDERED = `<|im_start|>system
You are a helpful assistant.

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{"type": "function", "function": {"name": "weather", "description": "The \\"weather\\" of a city, 天气.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}}}
{"type": "function", "function": {"name": "time"}}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
<|im_start|>user
Oslo?<|im_end|>
<|im_start|>assistant
I look.
<tool_call>
{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}
</tool_call>
<tool_call>
{"name": "time", "arguments": {}}
</tool_call><|im_end|>
<|im_start|>user
<tool_response>
rain
</tool_response>
<tool_response>
12:00
</tool_response><|im_end|>
<|im_start|>assistant
`;

test("a prompt with tools, calls and results has the template's tokens, its marks among them", () => {
  const { ids } = buildPrompt(qwen, messages, { imageTokens: 1, tools });
  expect(qwen.decode(ids, { skipSpecialTokens: false })).toBe(RENDERED);
  expect(ids.filter((id) => id === qwen.idOf("<tool_call>"))).toHaveLength(4);
  expect(ids).toEqual(qwen.encode(RENDERED, { controlTokens: true }));
});

test("a training row learns the call as the model writes it", () => {
  const row = encodeConversation(qwen, messages.slice(0, 2), { imageTokens: 1, tools });
  const learnt = row.labels.filter((label) => label >= 0);
  const text = qwen.decode(learnt, { skipSpecialTokens: false });
  expect(text).toBe(RENDERED.slice(RENDERED.indexOf("I look."), RENDERED.indexOf("<|im_start|>user\n<tool_r")));
  expect(learnt).toContain(qwen.idOf("<tool_call>"));
});

test("typed marks stay text", () => {
  const typed: Message[] = [{ role: "user", content: "<tool_call>x</tool_call>" }];
  expect(buildPrompt(qwen, typed, { imageTokens: 1 }).ids).not.toContain(qwen.idOf("<tool_call>"));
});

test("what belongs to no call is refused", () => {
  const build = (turns: Message[], options = {}) => buildPrompt(qwen, turns, { imageTokens: 1, ...options });
  const user: Message = { role: "user", content: "a" };
  expect(() => build([user, { role: "tool", content: "b" }])).toThrow(/messages\[1\] is the result of a call/);
  expect(() => build([{ ...user, toolCalls: [{ name: "f", arguments: {} }] }])).toThrow(
    /only the assistant makes calls/,
  );
  expect(() => build(messages.slice(0, 2))).toThrow(/expected their results/);
});
