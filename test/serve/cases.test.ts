// Requests that public bug reports about other servers tell of, each the smallest of its kind, against the model that ships.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FlashVL } from "../../src/node/index.ts";
import { type RunningServer, startServer } from "../../src/serve/index.ts";
import { createLog } from "../../src/serve/log.ts";
import { post } from "./start.ts";

const cacheDir = mkdtempSync(join(tmpdir(), "flashvl-cases-"));
const readCase = (name: string): string => readFileSync(new URL(`cases/${name}.json`, import.meta.url), "utf8");
let model: FlashVL;
let server: RunningServer;

beforeAll(async () => {
  model = await FlashVL.fromPretrained(undefined, { cacheDir });
  server = await startServer({ model, log: createLog("silent"), settings: { port: 0, drainTimeout: 1 } });
});
afterAll(async () => {
  await server?.close();
  await model?.dispose();
  rmSync(cacheDir, { recursive: true, force: true });
});

async function send(body: string) {
  const response = await post(server, "/v1/chat/completions", body);
  return { status: response.status, body: await response.json() };
}

describe("a request is answered", () => {
  test.each([
    ["with the fields that the openai package gives an answer, all null", "assistant-null-fields"],
    ["with tools that are null", "tools-null"],
    ["with a turn that called a tool, and its result", "assistant-tool-call-turn"],
    ["with a space before its data: URL", "data-url-leading-space"],
    ["with a data: URL without a type", "data-url-no-type"],
    ["with a space inside its data: URL's head", "data-url-space-before-base64"],
  ])("%s", async (_, name) => {
    const { status, body } = await send(readCase(name));
    expect([status, body.error]).toEqual([200, undefined]);
    const { content, reasoning_content = "" } = body.choices[0].message;
    expect(content + reasoning_content).not.toBe("");
  });
});

test("an answer goes on from the words that the assistant was given, as the library's does", async () => {
  const { status, body } = await send(readCase("prefill"));
  const request = JSON.parse(readCase("prefill"));
  expect(status).toBe(200);
  const whole = await model.generate(null, request.messages, { maxNewTokens: request.max_tokens });
  expect(body.choices[0].message.content).toBe(whole.text);
  expect(whole.usage.promptTokens).toBe(
    (await model.generate(null, request.messages.slice(0, 1), { maxNewTokens: 1 })).usage.promptTokens +
      model.tokenizer.encode("你").length,
  );
});

test("logprobs stand for what is shown: neither a stop string nor the end token has any", async () => {
  const stopped = JSON.parse(readCase("logprobs-stop"));
  const shown = (choice: { logprobs: { content: { bytes: number[] }[] } }) =>
    Buffer.from(choice.logprobs.content.flatMap(({ bytes }) => bytes)).toString();
  for (const request of [stopped, { ...stopped, stop: undefined }, { ...stopped, stop: undefined, max_tokens: 3 }]) {
    const whole = (await send(JSON.stringify(request))).body.choices[0];
    expect(whole.message.content).not.toBe("");
    expect(shown(whole)).toBe(whole.message.content);
    const response = await post(server, "/v1/chat/completions", { ...request, stream: true });
    const entries = (await response.text())
      .split("\n\n")
      .filter((block) => block.startsWith("data: {"))
      .flatMap((block) => JSON.parse(block.slice(6)).choices[0]?.logprobs?.content ?? []);
    expect(shown({ logprobs: { content: entries } })).toBe(whole.message.content);
  }
});

test("a key of Object's prototype is refused by its name alone", async () => {
  const { status, body } = await send(readCase("key-proto"));
  expect([status, body.error.param, body.error.code]).toEqual([400, "__proto__", "unsupported_parameter"]);
  expect(body.error.message).not.toContain("[object");
});

test("what is too long is told in HTTP's words", async () => {
  const long = { messages: [{ role: "user", content: "hi" }], max_tokens: 4000 };
  const { status, body } = await send(JSON.stringify(long));
  expect([status, body.error.code]).toEqual([400, "context_length_exceeded"]);
  expect(body.error.message).toMatch(/lower max_tokens, or start the server with a larger --max-context/);
});

describe("an answer held to a schema", () => {
  const answer = async (name: string) => {
    const { status, body } = await send(readCase(name));
    expect([status, body.error]).toEqual([200, undefined]);
    return body.choices[0].message.content as string;
  };

  test("is compact: no more white space than a space after a separator", async () => {
    const text = await answer("schema-whitespace");
    expect(text).toMatch(/^\{"c": ?[1-9]\}$/);
    const object = { ...JSON.parse(readCase("schema-whitespace")), response_format: { type: "json_object" } };
    expect((await send(JSON.stringify(object))).body.choices[0].message.content).toMatch(/^\{[^\s}]/);
  });

  test("has keys with quotes, and numbers within their bounds", async () => {
    expect(JSON.parse(await answer("schema-quote-key"))).toEqual({ 'a"b': expect.any(Number) });
    const { price } = JSON.parse(await answer("schema-float-range"));
    expect(price).toBeGreaterThanOrEqual(0);
    expect(price).toBeLessThanOrEqual(100);
  });

  test("of 150 properties begins with the first of them", async () => {
    expect(await answer("schema-wide-150")).toMatch(/^\{"k0"/);
  });
});

test("a schema that cannot be enforced is refused, and no slot is held for it", async () => {
  for (const name of ["schema-self-ref", "schema-type-constructor", "schema-required-tostring"]) {
    const { status, body } = await send(readCase(name));
    expect([name, status, body.error.code]).toEqual([name, 400, "invalid_schema"]);
  }
  let deep = '{"type":"null"}';
  for (let level = 0; level < 3000; level += 1) deep = `{"type":"array","items":${deep}}`;
  const request = readCase("schema-self-ref").replace(/\{\s*"\$ref": "#"\s*\}/, deep);
  const { status, body } = await send(request);
  expect([status, body.error.code]).toEqual([400, "invalid_schema"]);
  const nested = await send(`{"messages":${"[".repeat(100_000)}${"]".repeat(100_000)}}`);
  expect([nested.status, nested.body.error.code]).toEqual([400, "invalid_request"]);
});
