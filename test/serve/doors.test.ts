// Other people's clients at the server's doors: Anthropic's SDK, Ollama's client, LangChain, the AI SDK's OpenAI providers, completions.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { HumanMessage, type ToolMessage } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Message } from "../../src/processor/index.ts";
import type { RunningServer } from "../../src/serve/index.ts";
import { FakeModel } from "./fake-model.ts";
import { post, start } from "./start.ts";

/** A 1×1 PNG. */
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>';
const schema = { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] };

/** Calls the weather once, and then answers with what it was told. */
const agent = () =>
  new FakeModel({
    script: (messages: Message[]) => {
      const result = messages.findLast(({ role }) => role === "tool");
      const told = typeof result?.content === "string" ? result.content : JSON.stringify(result?.content);
      return result ? `<think>I know.</think>It is ${told}.` : `I look.\n${CALL}`;
    },
  });

const url = (server: RunningServer) => `${server.url}/v1`;
const served = { modelName: ["tiny"], apiKey: ["sesame"] };

describe("Anthropic's SDK", () => {
  const open = async (model = agent()) => {
    const server = await start({ model, settings: served });
    return {
      model,
      client: new Anthropic({ baseURL: server.url, apiKey: "sesame", authToken: null, maxRetries: 0 }),
      server,
    };
  };
  const tools = [{ name: "weather", input_schema: schema }];

  test("asks about a picture, whole and streamed", async () => {
    const { client } = await open(new FakeModel());
    const source = { type: "base64" as const, media_type: "image/png" as const, data: PIXEL };
    const content = [
      { type: "image" as const, source },
      { type: "text" as const, text: "What?" },
    ];
    const request = { model: "tiny", max_tokens: 100, messages: [{ role: "user" as const, content }] };
    const message = await client.messages.create({ ...request, system: "Be brief." });
    expect(message.content).toEqual([{ type: "text", text: "You asked: What? [1×1]" }]);
    expect([message.stop_reason, message.usage.input_tokens, message.usage.cache_read_input_tokens]).toEqual([
      "end_turn",
      6,
      4,
    ]);
    const stream = client.messages.stream(request);
    expect(await stream.finalText()).toBe("You asked: What? [1×1]");
  });

  test("calls tools, whole and streamed, and gives results back", async () => {
    const { client, model } = await open();
    const messages: Anthropic.MessageParam[] = [{ role: "user", content: "Oslo?" }];
    const request = { model: "tiny", max_tokens: 200, messages, tools };
    const first = await client.messages.create(request);
    expect(first.stop_reason).toBe("tool_use");
    expect(first.content).toMatchObject([
      { type: "text", text: "I look." },
      { type: "tool_use", name: "weather", input: { city: "Oslo" } },
    ]);
    const streamed = await client.messages.stream(request).finalMessage();
    expect(streamed.content).toMatchObject([{ text: "I look." }, { type: "tool_use", input: { city: "Oslo" } }]);
    const call = first.content.find(({ type }) => type === "tool_use") as Anthropic.ToolUseBlock;
    const result = { type: "tool_result" as const, tool_use_id: call.id, content: "rain" };
    const next = [
      ...messages,
      { role: "assistant" as const, content: first.content },
      { role: "user" as const, content: [result] },
    ];
    const last = await client.messages.create({ ...request, messages: next });
    expect(last.content).toMatchObject([
      { type: "thinking", thinking: "I know." },
      { type: "text", text: "It is rain." },
    ]);
    await client.messages.create({ ...request, tool_choice: { type: "any", disable_parallel_tool_use: true } });
    expect(model.requests.at(-1)!.options).toMatchObject({ toolChoice: "required", parallelToolCalls: false });
  });

  test("is told which of its stop sequences ended the answer, whole and streamed", async () => {
    const { client } = await open(new FakeModel({ script: () => "one two three" }));
    const messages = [{ role: "user" as const, content: "Count." }];
    const request = { model: "tiny", max_tokens: 100, messages, stop_sequences: ["four", " thr"] };
    const ended = { stop_reason: "stop_sequence", stop_sequence: " thr" };
    const message = await client.messages.create(request);
    expect(message).toMatchObject({ content: [{ text: "one two" }], ...ended });
    expect(await client.messages.stream(request).finalMessage()).toMatchObject(ended);
    const other = await client.messages.create({ ...request, stop_sequences: ["four"] });
    expect(other).toMatchObject({ stop_reason: "end_turn", stop_sequence: null });
  });

  test("gives back a picture as the result of a tool", async () => {
    const { client, model } = await open(new FakeModel());
    const source = { type: "base64" as const, media_type: "image/png" as const, data: PIXEL };
    const call = { type: "tool_use" as const, id: "t1", name: "weather", input: { city: "Oslo" } };
    const shown = [
      { type: "text" as const, text: "The radar:" },
      { type: "image" as const, source },
      { type: "text" as const, text: "of noon" },
    ];
    const messages: Anthropic.MessageParam[] = [
      { role: "user", content: "Oslo?" },
      { role: "assistant", content: [call] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: shown }] },
    ];
    await client.messages.create({ model: "tiny", max_tokens: 100, messages, tools });
    expect(model.requests[0]!.messages.at(-1)).toMatchObject({
      role: "tool",
      content: [
        { type: "text", text: "The radar:" },
        { type: "image", image: { width: 1, height: 1 } },
        { type: "text", text: "\nof noon" },
      ],
    });
    const many = Array.from({ length: 9 }, () => shown[1]!);
    const last = {
      role: "user" as const,
      content: [{ type: "tool_result" as const, tool_use_id: "t1", content: many }],
    };
    const refused = client.messages.create({
      model: "tiny",
      max_tokens: 1,
      messages: [...messages.slice(0, 2), last],
      tools,
    });
    await expect(refused).rejects.toMatchObject({ status: 400 });
  });

  test("is told of errors in its own shape", async () => {
    const { client } = await open();
    const wrong = client.messages.create({ model: "none", max_tokens: 1, messages: [{ role: "user", content: "a" }] });
    await expect(wrong).rejects.toMatchObject({
      status: 404,
      error: { type: "error", error: { type: "not_found_error" } },
    });
    const stranger = new Anthropic({
      baseURL: (client as { baseURL: string }).baseURL,
      apiKey: "wrong",
      authToken: null,
      maxRetries: 0,
    });
    const refused = stranger.messages.create({
      model: "tiny",
      max_tokens: 1,
      messages: [{ role: "user", content: "a" }],
    });
    await expect(refused).rejects.toMatchObject({ status: 401 });
  });
});

describe("Ollama's client", () => {
  const open = async (model = agent()) => {
    const server = await start({ model, settings: { modelName: ["tiny"] } });
    return { server, model, client: new Ollama({ host: server.url }) };
  };

  test("lists models, and chats about pictures, whole and streamed", async () => {
    const { client } = await open(new FakeModel());
    expect((await client.list()).models.map(({ name }) => name)).toEqual(["tiny"]);
    expect((await client.show({ model: "tiny" })).capabilities).toContain("vision");
    const messages = [{ role: "user", content: "What?", images: [PIXEL] }];
    const whole = await client.chat({ model: "tiny:latest", messages, options: { num_ctx: 4096, temperature: 0 } });
    expect([whole.message.content, whole.done_reason, whole.prompt_eval_count]).toEqual([
      "You asked: What? [1×1]",
      "stop",
      10,
    ]);
    let text = "";
    for await (const part of await client.chat({ model: "tiny", messages, stream: true })) text += part.message.content;
    expect(text).toBe("You asked: What? [1×1]");
    const generated = await client.generate({ model: "tiny", prompt: "What?", images: [PIXEL], system: "s" });
    expect(generated.response).toBe("You asked: What? [1×1]");
  });

  test("calls tools, and has the working apart", async () => {
    const { client } = await open();
    const tools = [
      {
        type: "function",
        function: { name: "weather", description: "", parameters: { type: "object", properties: {} } },
      },
    ];
    const messages = [{ role: "user", content: "Oslo?" }];
    const first = await client.chat({ model: "tiny", messages, tools });
    expect(first.message.tool_calls).toMatchObject([{ function: { name: "weather", arguments: { city: "Oslo" } } }]);
    const next = [...messages, first.message, { role: "tool", content: "rain", tool_name: "weather" }];
    const last = await client.chat({ model: "tiny", messages: next, tools });
    expect(last.message).toMatchObject({ content: "It is rain.", thinking: "I know." });
  });

  test("holds answers to a format, and is told of errors in its own shape", async () => {
    const { client, model } = await open();
    await client.chat({ model: "tiny", messages: [{ role: "user", content: "a" }], format: schema });
    await client.generate({ model: "tiny", prompt: "a", format: "json", options: { num_predict: 5, stop: ["x"] } });
    expect(model.requests.map(({ options }) => options.schema)).toEqual([schema, true]);
    expect(model.requests[1]!.options).toMatchObject({ maxNewTokens: 5, stop: ["x"] });
    await expect(client.chat({ model: "none", messages: [] })).rejects.toThrow(/messages/);
    await expect(client.chat({ model: "none", messages: [{ role: "user", content: "a" }] })).rejects.toThrow(
      /not served here/,
    );
  });
});

describe("LangChain", () => {
  const open = async (model: FakeModel) => {
    const server = await start({ model, settings: served });
    return new ChatOpenAI({ model: "tiny", apiKey: "sesame", maxRetries: 0, configuration: { baseURL: url(server) } });
  };

  test("binds tools and goes on with their results", async () => {
    const weather = langchainTool(({ city }) => `rain in ${city}`, {
      name: "weather",
      schema: z.object({ city: z.string() }),
    });
    const chat = (await open(agent())).bindTools([weather]);
    const asked = new HumanMessage("Oslo?");
    const first = await chat.invoke([asked]);
    expect(first.tool_calls).toMatchObject([{ name: "weather", args: { city: "Oslo" } }]);
    const result = await weather.invoke(first.tool_calls![0]!);
    const last = await chat.invoke([asked, first, result as ToolMessage]);
    expect(last.content).toBe("It is rain in Oslo.");
  });

  test("streams, and asks for structured output by schema", async () => {
    const chat = await open(new FakeModel({ script: () => '{"city":"Oslo"}' }));
    let text = "";
    for await (const chunk of await chat.stream("?")) text += chunk.content;
    expect(text).toBe('{"city":"Oslo"}');
    const structured = chat.withStructuredOutput(z.object({ city: z.string() }), {
      name: "place",
      method: "jsonSchema",
    });
    expect(await structured.invoke("?")).toEqual({ city: "Oslo" });
  });
});

describe("the AI SDK's providers", () => {
  const weather = tool({
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => `rain in ${city}`,
  });

  test.each(["openai chat", "openai responses", "openai-compatible"])(
    "%s calls tools and goes on with their results",
    async (kind) => {
      const server = await start({ model: agent(), settings: served });
      const settings = { baseURL: url(server), apiKey: "sesame" };
      const openai = createOpenAI(settings);
      const model =
        kind === "openai chat"
          ? openai.chat("tiny")
          : kind === "openai responses"
            ? openai.responses("tiny")
            : createOpenAICompatible({ name: "flashvl", ...settings })("tiny");
      const request = {
        model,
        prompt: "Oslo?",
        tools: { weather },
        stopWhen: stepCountIs(3),
        maxRetries: 0,
        // Otherwise the provider of responses refers to items that the server does not keep.
        providerOptions: { openai: { store: false } },
      };
      const { text, steps } = await generateText(request);
      expect([steps.length, text]).toEqual([2, "It is rain in Oslo."]);
      const stream = streamText(request);
      expect(await stream.text).toBe("It is rain in Oslo.");
    },
  );

  test("openai-compatible shows the working as reasoning", async () => {
    const server = await start({ model: new FakeModel({ script: () => "<think>a</think>b" }), settings: served });
    const provider = createOpenAICompatible({ name: "flashvl", baseURL: url(server), apiKey: "sesame" });
    const { text, reasoningText } = await generateText({ model: provider("tiny"), prompt: "?", maxRetries: 0 });
    expect([text, reasoningText]).toEqual(["b", "a"]);
  });
});

describe("further doors", () => {
  test("completions go on with a text or its tokens, whole and streamed", async () => {
    const model = new FakeModel({ script: () => "<think>on" });
    const server = await start({ model, settings: served });
    const openai = new OpenAI({ baseURL: url(server), apiKey: "sesame", maxRetries: 0 });
    const whole = await openai.completions.create({ model: "tiny", prompt: "Go", max_tokens: 20, stop: ["!"] });
    expect(whole.choices[0]).toMatchObject({ text: "<think>on", finish_reason: "stop" });
    let text = "";
    for await (const part of await openai.completions.create({ model: "tiny", prompt: [1, 2], stream: true }))
      text += part.choices[0]?.text ?? "";
    expect(text).toBe("<think>on");
    expect(model.requests.map(({ messages }) => messages[0]!.content)).toEqual(["Go", "1,2"]);
  });

  test("texts become tokens and tokens texts", async () => {
    const server = await start();
    const { count, tokens, token_strs } = await (
      await post(server, "/tokenize", { prompt: "ab", return_token_strs: true })
    ).json();
    expect([count, tokens, token_strs]).toEqual([2, [97, 98], ["a", "b"]]);
    expect(await (await post(server, "/detokenize", { tokens })).json()).toEqual({ prompt: "ab" });
  });

  test("platforms find health, readiness and version by their names, and models their context", async () => {
    const server = await start({ settings: { apiKey: ["k"] } });
    for (const path of ["/healthz", "/livez", "/readyz", "/version"])
      expect([path, (await fetch(server.url + path)).status]).toEqual([path, 200]);
    const headers = { authorization: "Bearer k" };
    const { data } = await (await fetch(`${server.url}/v1/models`, { headers })).json();
    expect(data[0].max_model_len).toBe(32_768);
  });
});
