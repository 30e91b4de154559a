// The chat completions route over a real socket: answers, streams, sampling settings and refusals.
import { describe, expect, test } from "vitest";
import { deriveSeed } from "../../src/common/index.ts";
import { FakeModel } from "./fake-model.ts";
import { post, start } from "./start.ts";

const CHAT = "/v1/chat/completions";
const ask = (content: unknown) => ({ messages: [{ role: "user", content }] });
/** A 1×1 PNG. */
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** The parts of a chunk that the tests look at. */
interface Chunk {
  choices: {
    index: number;
    delta: { role?: string; content?: string };
    finish_reason: string | null;
    token_ids?: number[];
  }[];
  usage?: { total_tokens: number } | null;
  error?: { code: string };
}

async function events(response: Response): Promise<Chunk[]> {
  const text = await response.text();
  return text
    .split("\n\n")
    .filter((block) => block.startsWith("data: ") && block !== "data: [DONE]")
    .map((block) => JSON.parse(block.slice(6)));
}

describe("an answer", () => {
  test("has OpenAI's shape and tells usage with cached and picture tokens", async () => {
    const server = await start({ settings: { modelName: ["tiny"] } });
    const response = await post(server, CHAT, { model: "tiny", ...ask("Hi") });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: "chat.completion",
      created: expect.any(Number),
      model: "tiny",
      system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{10}$/),
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "You asked: Hi []", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 17,
        total_tokens: 27,
        prompt_tokens_details: { cached_tokens: 4, image_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
    });
  });

  test("sees several pictures in their places", async () => {
    const model = new FakeModel();
    const server = await start({ model });
    const picture = { type: "image_url", image_url: { url: PIXEL, detail: "high" } };
    const response = await post(server, CHAT, ask([picture, { type: "text", text: "Which?" }, picture]));
    expect((await response.json()).choices[0].message.content).toBe("You asked: Which? [1×1, 1×1]");
    expect(model.requests[0]!.messages[0]!.content).toMatchObject([
      { type: "image" },
      { type: "text" },
      { type: "image" },
    ]);
  });

  test("is greedy unless chance is asked for", async () => {
    const model = new FakeModel();
    const server = await start({ model });
    for (const settings of [
      {},
      { temperature: 0 },
      { seed: 3 },
      { temperature: 0.5 },
      { top_p: 0.9 },
      { temperature: 0, top_k: 5 },
    ]) {
      await (await post(server, CHAT, { ...ask("a"), ...settings })).text();
    }
    expect(model.requests.map(({ options }) => options.doSample ?? false)).toEqual([
      false,
      false,
      false,
      true,
      true,
      false,
    ]);
    expect(model.requests[4]!.options).toMatchObject({ temperature: 1, topP: 0.9 });
  });

  test("with n > 1 draws every choice with its own seed", async () => {
    const model = new FakeModel();
    const server = await start({ model });
    const response = await post(server, CHAT, { ...ask("a"), n: 3, seed: 7, temperature: 2 });
    const { choices } = await response.json();
    expect(choices.map((choice: { index: number }) => choice.index)).toEqual([0, 1, 2]);
    expect(model.requests.map(({ options }) => options.seed)).toEqual([7, deriveSeed(7, 1), deriveSeed(7, 2)]);
    expect(new Set(choices.map((choice: { message: { content: string } }) => choice.message.content)).size).toBe(3);
  });

  test("hands penalties, sampling settings and the wish for JSON to the engine under the engine's names", async () => {
    const model = new FakeModel();
    const server = await start({ model });
    const penalties = { presence_penalty: 0.5, frequency_penalty: -0.25, repetition_penalty: 1.1 };
    await (await post(server, CHAT, { ...ask("a"), ...penalties, top_k: 5, min_p: 0.1 })).text();
    await (await post(server, CHAT, { ...ask("a"), response_format: { type: "json_object" } })).text();
    await (await post(server, CHAT, { ...ask("a"), response_format: { type: "text" } })).text();
    expect(model.requests[0]!.options).toMatchObject({
      presencePenalty: 0.5,
      frequencyPenalty: -0.25,
      repetitionPenalty: 1.1,
      topK: 5,
      minP: 0.1,
      doSample: true,
    });
    expect(model.requests.map(({ options }) => options.schema)).toEqual([undefined, true, undefined]);
  });

  test("ends at a stop string, at the token limit and at logit_bias's will", async () => {
    const server = await start();
    const finish = async (settings: object) => {
      const { choices } = await (await post(server, CHAT, { ...ask("abc"), ...settings })).json();
      return [choices[0].message.content, choices[0].finish_reason];
    };
    expect(await finish({ stop: " asked" })).toEqual(["You", "stop"]);
    expect(await finish({ max_tokens: 3 })).toEqual(["You", "length"]);
    expect(await finish({ logit_bias: { 256: 100 } })).toEqual(["", "stop"]);
  });

  test("tells its tokens' ids where they are asked for, whole and streamed", async () => {
    const server = await start({ model: new FakeModel({ script: () => "ab" }) });
    const whole = await (await post(server, CHAT, { ...ask("a"), return_token_ids: true })).json();
    expect(whole.choices[0].token_ids).toEqual([97, 98, 256]);
    const chunks = await events(await post(server, CHAT, { ...ask("a"), return_token_ids: true, stream: true }));
    expect(chunks.flatMap(({ choices }) => choices[0]!.token_ids ?? [])).toEqual([97, 98]);
  });

  test("carries logprobs with bytes and alternatives", async () => {
    const server = await start({ model: new FakeModel({ script: () => "é" }) });
    const { choices } = await (await post(server, CHAT, { ...ask("a"), logprobs: true, top_logprobs: 2 })).json();
    const [first, second] = choices[0].logprobs.content;
    expect([first.bytes, second.bytes]).toEqual([[0xc3], [0xa9]]);
    expect(first.top_logprobs).toHaveLength(2);
    expect(first.top_logprobs[0].logprob).toBe(first.logprob);
    expect(first.logprob).toBeLessThan(0);
  });
});

describe("a stream", () => {
  test("says the same as the answer in one piece", async () => {
    const server = await start();
    const response = await post(server, CHAT, { ...ask("héllo 世界"), stream: true });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const chunks = await events(response);
    expect(chunks[0]!.choices[0]!.delta).toEqual({ role: "assistant", content: "" });
    expect(chunks.map((chunk) => chunk.choices[0]!.delta.content ?? "").join("")).toBe("You asked: héllo 世界 []");
    expect(chunks.at(-1)!.choices[0]).toMatchObject({ delta: {}, finish_reason: "stop" });
    expect(chunks.every((chunk) => chunk.usage === undefined)).toBe(true);
  });

  test("ends with usage where that is asked for, and with [DONE]", async () => {
    const server = await start();
    const response = await post(server, CHAT, { ...ask("a"), stream: true, stream_options: { include_usage: true } });
    const text = await response.clone().text();
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    const chunks = await events(response);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 10 + 16 } });
    expect(chunks.at(-2)!.usage).toBeNull();
  });

  test("with n > 1 says by index what the answer in one piece says, and sums up the usage", async () => {
    const server = await start();
    const body = { ...ask("a"), n: 2, seed: 7, temperature: 2 };
    const whole = await (await post(server, CHAT, body)).json();
    const streamed = { ...body, stream: true, stream_options: { include_usage: true } };
    const chunks = await events(await post(server, CHAT, streamed));
    const choices = [0, 1].map((index) => {
      const own = chunks.flatMap((chunk) => chunk.choices.filter((choice) => choice.index === index));
      return [index, own.map(({ delta }) => delta.content ?? "").join(""), own.at(-1)!.finish_reason];
    });
    expect(choices).toEqual(
      whole.choices.map((choice: { index: number; message: { content: string }; finish_reason: string }) => [
        choice.index,
        choice.message.content,
        choice.finish_reason,
      ]),
    );
    expect(choices[0]![1]).not.toBe(choices[1]![1]);
    expect(chunks.at(-1)!.usage).toEqual(whole.usage);
  });

  test("keeps the status of an error that comes before the first token", async () => {
    const fault = Object.assign(new Error("The prompt has 9000 tokens; the context holds 4096."), {
      code: "CONTEXT_OVERFLOW",
    });
    const server = await start({ model: new FakeModel({ beforeToken: () => Promise.reject(fault) }) });
    const response = await post(server, CHAT, { ...ask("a"), stream: true });
    expect(response.status).toBe(400);
    expect((await response.json()).error).toMatchObject({ code: "context_length_exceeded", message: fault.message });
  });

  test("tells an error after the first token inside the stream, without the server's inside", async () => {
    const server = await start({
      model: new FakeModel({
        beforeToken: (at) => (at === 2 ? Promise.reject(new Error("secret path /etc")) : undefined),
      }),
    });
    const chunks = await events(await post(server, CHAT, { ...ask("a"), stream: true }));
    expect(chunks.at(-1)!.error).toMatchObject({ type: "server_error", code: "internal_error" });
    expect(JSON.stringify(chunks)).not.toContain("secret");
  });
});

describe("a refusal names the parameter at fault:", () => {
  const cases: [string, object, Record<string, unknown>][] = [
    ["an unknown name", { ...ask("a"), frobnicate: 1 }, { code: "unsupported_parameter", param: "frobnicate" }],
    [
      "a nested unknown name",
      { messages: [{ role: "user", content: "a", tool_call_id: "x" }] },
      { code: "unsupported_parameter", param: "messages.0" },
    ],
    [
      "audio parts",
      ask([{ type: "input_audio", input_audio: {} }]),
      { code: "invalid_value", param: "messages.0.content.0.type" },
    ],
    [
      "a tool's message without a call",
      {
        messages: [
          { role: "user", content: "a" },
          { role: "tool", content: "a", tool_call_id: "x" },
        ],
      },
      { code: "invalid_value", param: "messages.1.tool_call_id" },
    ],
    [
      "a turn of the assistant without anything",
      {
        messages: [
          { role: "user", content: "a" },
          { role: "assistant", content: null },
        ],
      },
      { code: "invalid_value", param: "messages.1.content" },
    ],
    [
      "a choice of tools without tools",
      { ...ask("a"), tool_choice: "required" },
      { code: "invalid_value", param: "tool_choice" },
    ],
    [
      "a choice that is none of the tools",
      {
        ...ask("a"),
        tools: [{ type: "function", function: { name: "f" } }],
        tool_choice: { type: "function", function: { name: "toString" } },
      },
      { code: "invalid_value", param: "tool_choice" },
    ],
    [
      "a tool that is no function",
      { ...ask("a"), tools: [{ type: "custom", custom: { name: "f" } }] },
      { code: "invalid_value", param: "tools.0.type" },
    ],
    ["no messages", { messages: [] }, { code: "invalid_value", param: "messages" }],
    ["a temperature out of range", { ...ask("a"), temperature: 3 }, { code: "invalid_value", param: "temperature" }],
    ["too many answers", { ...ask("a"), n: 99 }, { code: "invalid_value", param: "n" }],
    [
      "too many tokens",
      { ...ask("a"), max_completion_tokens: 99_999 },
      { code: "invalid_value", param: "max_completion_tokens" },
    ],
    ["top_logprobs alone", { ...ask("a"), top_logprobs: 2 }, { code: "invalid_value", param: "top_logprobs" }],
    [
      "a bias beyond the vocabulary",
      { ...ask("a"), logit_bias: { 999: 1 } },
      { code: "invalid_value", param: "logit_bias" },
    ],
    ["an unknown model", { ...ask("a"), model: "gpt-9" }, { code: "model_not_found", param: "model" }],
    [
      "a URL that is none",
      ask([{ type: "image_url", image_url: { url: "nonsense" } }]),
      { code: "invalid_image_url", param: "messages.0.content.0.image_url.url" },
    ],
    [
      "a file URL",
      ask([{ type: "image_url", image_url: { url: "file:///etc/passwd" } }]),
      { code: "invalid_image_url" },
    ],
    [
      "a data: URL of text",
      ask([{ type: "image_url", image_url: { url: "data:text/plain;base64,aGk=" } }]),
      { code: "image_invalid" },
    ],
    [
      "a picture that is none",
      ask([{ type: "image_url", image_url: { url: "data:image/png;base64,aGVsbG8=" } }]),
      { code: "image_invalid" },
    ],
  ];
  test.each(cases)("%s", async (_, body, error) => {
    const server = await start();
    const response = await post(server, CHAT, body);
    expect(response.status).toBe(error.code === "model_not_found" ? 404 : 400);
    expect((await response.json()).error).toMatchObject(error);
    expect(server.context.queue.running).toBe(0);
    expect(server.context.bodies.held).toBe(0);
  });
});
