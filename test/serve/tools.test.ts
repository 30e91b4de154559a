// Tools and working over the API: what the model writes in Qwen2.5's form comes out as calls, and working apart from the answer.
import { describe, expect, test } from "vitest";
import { FakeModel } from "./fake-model.ts";
import { post, start } from "./start.ts";

const CHAT = "/v1/chat/completions";
const RESPONSES = "/v1/responses";
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const weather = { name: "weather", description: "The weather of a city.", parameters };
const tools = [{ type: "function", function: weather }];
const ask = { messages: [{ role: "user", content: "How is it?" }] };
const call = (city: string) => `<tool_call>\n{"name": "weather", "arguments": {"city": "${city}"}}\n</tool_call>`;
const TWO = `Let me see.\n${call("Oslo")}\n${call('B}"ern'.replace('"', '\\"'))}`;
const scripted = (text: string) => new FakeModel({ script: () => text });

interface Delta {
  content?: string | null;
  reasoning_content?: string;
  tool_calls?: { index: number; id?: string; function: { name?: string; arguments?: string } }[];
}

async function streamed(response: Response) {
  const blocks = (await response.text()).split("\n\n").filter((block) => block.startsWith("data: {"));
  const choices = blocks.map((block) => JSON.parse(block.slice(6)).choices[0]).filter(Boolean);
  const deltas: Delta[] = choices.map(({ delta }) => delta);
  const calls: { id?: string; name?: string; arguments: string }[] = [];
  for (const { index, id, function: piece } of deltas.flatMap((delta) => delta.tool_calls ?? [])) {
    calls[index] ??= { id, name: piece.name, arguments: "" };
    calls[index].arguments += piece.arguments ?? "";
  }
  return {
    content: deltas.map(({ content }) => content ?? "").join(""),
    reasoning: deltas.map(({ reasoning_content }) => reasoning_content ?? "").join(""),
    calls,
    finish: choices.at(-1).finish_reason,
  };
}

describe("chat", () => {
  test("gives the model its tools, and its calls to the client", async () => {
    const model = scripted(TWO);
    const server = await start({ model });
    const { choices } = await (await post(server, CHAT, { ...ask, tools })).json();
    expect(choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        role: "assistant",
        content: "Let me see.",
        tool_calls: [
          {
            id: expect.stringMatching(/^call_/),
            type: "function",
            function: { name: "weather", arguments: '{"city": "Oslo"}' },
          },
          { type: "function", function: { name: "weather", arguments: '{"city": "B}\\"ern"}' } },
        ],
      },
    });
    expect(choices[0].message.tool_calls[0].id).not.toBe(choices[0].message.tool_calls[1].id);
    expect(model.requests[0]!.options).toMatchObject({ tools: [weather] });
  });

  test("streams calls piece by piece, to the same end", async () => {
    const server = await start({ model: scripted(TWO) });
    const result = await streamed(await post(server, CHAT, { ...ask, tools, stream: true }));
    expect(result).toEqual({
      content: "Let me see.",
      reasoning: "",
      calls: [
        { id: expect.stringMatching(/^call_/), name: "weather", arguments: '{"city": "Oslo"}' },
        { id: expect.stringMatching(/^call_/), name: "weather", arguments: '{"city": "B}\\"ern"}' },
      ],
      finish: "tool_calls",
    });
  });

  test("without tools, or with other ones, what looks like a call is text", async () => {
    const server = await start({ model: scripted(TWO) });
    const other = [{ type: "function", function: { name: "other" } }];
    for (const more of [{}, { tools: [] }, { tools, tool_choice: "none" }, { tools: other }]) {
      const { choices } = await (await post(server, CHAT, { ...ask, ...more })).json();
      expect([choices[0].finish_reason, choices[0].message.tool_calls]).toEqual(["stop", undefined]);
      expect(choices[0].message.content).toContain('<tool_call>\n{"name": "weather"');
    }
  });

  test("takes calls and results back as turns of their own", async () => {
    const model = scripted("Rain.");
    const server = await start({ model });
    const first = { id: "a", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } };
    const messages = [
      ...ask.messages,
      { role: "assistant", content: null, tool_calls: [first], refusal: null, annotations: [] },
      { role: "tool", tool_call_id: "a", content: [{ type: "text", text: "rain" }] },
    ];
    const { choices } = await (await post(server, CHAT, { messages, tools })).json();
    expect(choices[0].message.content).toBe("Rain.");
    expect(model.requests[0]!.messages).toEqual([
      ask.messages[0],
      { role: "assistant", content: "", toolCalls: [{ name: "weather", arguments: '{"city":"Oslo"}' }] },
      { role: "tool", content: [{ type: "text", text: "rain" }] },
    ]);
  });

  test("names choices to the engine", async () => {
    const model = scripted("");
    const server = await start({ model });
    const allowed = { mode: "required", tools: [{ type: "function", function: { name: "weather" } }] };
    const two = [...tools, { type: "function", function: { name: "other" } }];
    for (const choice of [
      "auto",
      "required",
      { type: "function", function: { name: "weather" } },
      { type: "allowed_tools", allowed_tools: allowed },
    ])
      await (await post(server, CHAT, { ...ask, tools: two, tool_choice: choice, parallel_tool_calls: false })).text();
    expect(
      model.requests.map(({ options }) => [options.tools?.length, options.toolChoice, options.parallelToolCalls]),
    ).toEqual([
      [2, "auto", false],
      [2, "required", false],
      [2, { name: "weather" }, false],
      [1, "required", false],
    ]);
  });
});

describe("responses", () => {
  const tool = { type: "function", ...weather };

  test("has calls among its output, and takes them back with their results", async () => {
    const model = scripted(TWO);
    const server = await start({ model });
    const response = await (await post(server, RESPONSES, { input: "How is it?", tools: [tool] })).json();
    expect(response.output.map(({ type }: { type: string }) => type)).toEqual([
      "message",
      "function_call",
      "function_call",
    ]);
    expect(response.output[1]).toMatchObject({ name: "weather", arguments: '{"city": "Oslo"}', status: "completed" });
    expect(response.status).toBe("completed");
    const results = response.output
      .filter(({ type }: { type: string }) => type === "function_call")
      .map(({ call_id }: { call_id: string }) => ({ type: "function_call_output", call_id, output: "rain" }));
    const reasoning = { type: "reasoning", id: "rs_1", summary: [] };
    const input = [{ role: "user", content: "How is it?" }, reasoning, ...response.output, ...results];
    expect((await post(server, RESPONSES, { input, tools: [tool] })).status).toBe(200);
    expect(model.requests[1]!.messages.map(({ role, toolCalls }) => [role, toolCalls?.length])).toEqual([
      ["user", undefined],
      ["assistant", 2],
      ["tool", undefined],
      ["tool", undefined],
    ]);
  });

  test("streams items one after the other, each with what ends it", async () => {
    const server = await start({ model: scripted(`<think>Hm.</think>${TWO}`) });
    const text = await (await post(server, RESPONSES, { input: "?", tools: [tool], stream: true })).text();
    const events = text
      .trim()
      .split("\n\n")
      .map((block) => JSON.parse(block.split("\n")[1]!.slice(6)));
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    const order = events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
    const item = (...inner: string[]) => ["response.output_item.added", ...inner, "response.output_item.done"];
    const called = item("response.function_call_arguments.delta", "response.function_call_arguments.done");
    expect(order).toEqual([
      "response.created",
      "response.in_progress",
      ...item("response.reasoning_text.delta", "response.reasoning_text.done"),
      ...item(
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
      ),
      ...called,
      ...called,
      "response.completed",
    ]);
    const { output } = events.at(-1).response;
    expect(output.map(({ type }: { type: string }) => type)).toEqual([
      "reasoning",
      "message",
      "function_call",
      "function_call",
    ]);
    const added = events.filter(({ type }) => type === "response.output_item.added");
    expect(added.map(({ output_index, item }) => [output_index, item.id])).toEqual(
      output.map(({ id }: { id: string }, index: number) => [index, id]),
    );
  });

  test("names what it cannot look up", async () => {
    const server = await start();
    const refuse = async (input: object[]) => (await (await post(server, RESPONSES, { input })).json()).error;
    const user = { role: "user", content: "a" };
    expect((await refuse([user, { type: "item_reference", id: "msg_1" }])).message).toMatch(/keeps no items/);
    const output = { type: "function_call_output", call_id: "x", output: "" };
    expect(await refuse([user, output])).toMatchObject({ param: "input.1.call_id", code: "invalid_value" });
  });
});

describe("working", () => {
  const THOUGHT = "<think>Two and\ntwo.</think>\n<answer>4</answer>";

  test("is told apart from the answer, whole and streamed, and its tokens are counted", async () => {
    const server = await start({ model: scripted(THOUGHT) });
    const whole = await (await post(server, CHAT, ask)).json();
    expect(whole.choices[0].message).toMatchObject({ content: "4", reasoning_content: "Two and\ntwo." });
    expect(whole.usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(10);
    const stream = await streamed(await post(server, CHAT, { ...ask, stream: true }));
    expect([stream.content, stream.reasoning]).toEqual(["4", "Two and\ntwo."]);
    const response = await (await post(server, RESPONSES, { input: "?" })).json();
    expect(response.output).toMatchObject([
      { type: "reasoning", content: [{ type: "reasoning_text", text: "Two and\ntwo." }] },
      { type: "message", content: [{ text: "4" }] },
    ]);
  });

  test("stays where it is when the server is asked for raw answers, or the model says that it has none", async () => {
    const raw = await start({ model: scripted(THOUGHT), settings: { reasoning: "off" } });
    const model = Object.assign(scripted(THOUGHT), { card: { reasoning: false } });
    const own = await start({ model });
    for (const server of [raw, own]) {
      const { choices } = await (await post(server, CHAT, ask)).json();
      expect(choices[0].message).toEqual({ role: "assistant", content: THOUGHT, refusal: null });
    }
    const asked = await start({ model: scripted(THOUGHT) });
    const { choices } = await (await post(asked, CHAT, { ...ask, reasoning_format: "none" })).json();
    expect(choices[0].message.content).toBe(THOUGHT);
  });

  test("that is cut off has no answer; an answer without it is only text", async () => {
    const server = await start({ model: scripted(THOUGHT) });
    const cut = await (await post(server, CHAT, { ...ask, max_tokens: 12 })).json();
    expect(cut.choices[0]).toMatchObject({
      finish_reason: "length",
      message: { content: "", reasoning_content: "Two a" },
    });
    const plain = await start({ model: scripted("a <think>b</think>") });
    const { choices } = await (await post(plain, CHAT, ask)).json();
    expect(choices[0].message.content).toBe("a <think>b</think>");
  });

  test("has no logprobs: they stand for what is shown", async () => {
    const server = await start({ model: scripted(THOUGHT) });
    const { choices } = await (await post(server, CHAT, { ...ask, logprobs: true })).json();
    const bytes = choices[0].logprobs.content.flatMap((entry: { bytes: number[] }) => entry.bytes);
    expect(Buffer.from(bytes).toString()).toBe("4");
  });
});

describe("pictures", () => {
  const PIXEL =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const inPlace = { pictures_in_place: true };
  const image = { type: "image", image: { width: 1, height: 1 } };

  test("stay where they were sent if the request says so, and are results of tools in both APIs", async () => {
    const model = scripted("Yes.");
    const server = await start({ model });
    const picture = { type: "image_url", image_url: { url: PIXEL } };
    const called = { id: "c", type: "function", function: { name: "weather", arguments: "{}" } };
    const messages = [
      { role: "user", content: [{ type: "text", text: "Before" }, picture] },
      { role: "assistant", tool_calls: [called] },
      { role: "tool", tool_call_id: "c", content: [picture] },
    ];
    expect((await post(server, CHAT, { messages, ...inPlace })).status).toBe(200);
    expect(model.requests[0]!.messages).toMatchObject([
      { role: "user", content: [{ text: "Before" }, { ...image, inPlace: true }] },
      { role: "assistant" },
      { role: "tool", content: [{ ...image, inPlace: true }] },
    ]);
    const shown = { type: "input_image", image_url: PIXEL };
    const input = [
      { role: "user", content: [{ type: "input_text", text: "Before" }, shown] },
      { type: "function_call", call_id: "c", name: "weather", arguments: "{}" },
      { type: "function_call_output", call_id: "c", output: [shown] },
    ];
    expect((await post(server, RESPONSES, { input, ...inPlace })).status).toBe(200);
    expect(model.requests[1]!.messages).toMatchObject([
      { content: [{ text: "Before" }, { ...image, inPlace: true }] },
      { role: "assistant" },
      { role: "tool", content: [{ ...image, inPlace: true }] },
    ]);
    await post(server, CHAT, { messages });
    expect(model.requests[2]!.messages[0]!.content[1]).toMatchObject({ inPlace: undefined });
  });
});

describe("working before an answer of a given form", () => {
  const json = { response_format: { type: "json_object" } };
  const asked = async (body: object, settings = {}, card = {}) => {
    const model = new FakeModel({ script: () => "<think>I see.</think><answer>{}</answer>", card });
    const response = await post(await start({ model, settings }), CHAT, { ...ask, ...json, ...body });
    const { choices, error } = await response.json();
    return { first: model.requests[0]?.options.reasonFirst, message: choices?.[0].message, error };
  };

  test("is allowed by the request, the server or the model's folder, and told apart from the JSON", async () => {
    expect((await asked({})).first).toBeFalsy();
    const { first, message } = await asked({ reason_first: true });
    expect([first, message]).toMatchObject([true, { content: "{}", reasoning_content: "I see." }]);
    expect((await asked({}, { reasonFirst: true })).first).toBe(true);
    expect((await asked({}, {}, { reasonFirst: true })).first).toBe(true);
    expect((await asked({ reason_first: false }, { reasonFirst: true })).first).toBe(false);
  });

  test("is refused where it would stand raw before the JSON", async () => {
    const { error } = await asked({ reason_first: true, reasoning_format: "none" });
    expect(error).toMatchObject({ param: "reason_first" });
  });
});
