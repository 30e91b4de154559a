/** @file Targets: recipes, JSON schemas, and what clients send over HTTP and MCP. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { checkSchema, JsonConstraints, type JsonSchema } from "../../../src/engine/constraint/index.ts";
import { serveMcpHttp } from "../../../src/mcp/index.ts";
import { createApp } from "../../../src/serve/app.ts";
import { createLog } from "../../../src/serve/log.ts";
import { openServer } from "../../../src/serve/server.ts";
import { readRecipe } from "../../../src/train/index.ts";
import { END, FakeModel } from "../../serve/fake-model.ts";
import { jsons, type OpenTarget, parsed, texts } from "../target.ts";

/** A recipe, from its bytes on. */
export const recipe: OpenTarget = async (folder) => {
  const path = join(folder, "fuzz.yaml");
  const sft = {
    stage: "sft",
    model: "m",
    steps: 2,
    data: { file: "a.jsonl" },
    optimizer: { learningRate: 0.1 },
    lora: { rank: 2 },
  };
  const grpo = {
    stage: "grpo",
    model: "m",
    steps: 2,
    data: { file: "a.jsonl" },
    rewards: [{ name: "accuracy", weight: 1 }],
  };
  return {
    corpus: texts(stringify(sft), stringify(grpo), "a: &a [1]\nb: *a\n", "stage: !!js/function x\n"),
    async run(input) {
      await writeFile(path, input);
      await readRecipe(path);
    },
  };
};

const SCHEMAS: readonly unknown[] = [
  {
    type: "object",
    properties: { a: { type: "string", pattern: "^[a-z]+$" }, b: { type: "integer", minimum: -3, maximum: 99 } },
    required: ["a"],
  },
  {
    type: "array",
    items: { anyOf: [{ type: "number" }, { $ref: "#/$defs/n" }] },
    $defs: { n: { enum: [1, "x", null] } },
    maxItems: 3,
  },
  { oneOf: [{ const: { a: 1 } }, { type: "boolean" }], description: "d" },
  {
    type: "object",
    patternProperties: { "^x": { type: "string", format: "date" } },
    additionalProperties: false,
    minProperties: 1,
  },
  { type: "string", minLength: 2, maxLength: 5 },
];

/** Schemas become grammars, and a few tokens are held to them. */
export const schema: OpenTarget = async () => {
  const { tokenizer } = new FakeModel();
  const vocabulary = { ...tokenizer, isSpecial: (id: number) => id === END };
  return {
    corpus: jsons(...SCHEMAS),
    json: true,
    async run(input) {
      const json = parsed(input);
      if (!json) return;
      const checked = checkSchema(json.value as JsonSchema);
      if (checked === undefined) return;
      const constraint = new JsonConstraints(vocabulary, [END]).create({ json: json.value as JsonSchema });
      const generated: number[] = [];
      for (let step = 0; step < 6; step++) {
        await constraint.prepare(generated);
        const logits = new Float32Array(tokenizer.vocabSize);
        constraint.apply(logits, generated);
        const token = logits.findIndex((value) => value > Number.NEGATIVE_INFINITY);
        if (token < 0) throw new TypeError("No token is allowed: Cannot read property of a grammar without an end");
        if (token === END) break;
        generated.push(token);
      }
    },
  };
};

const cases = async (): Promise<unknown[]> => {
  const names = [
    "prefill",
    "tools-null",
    "schema-quote-key",
    "logprobs-stop",
    "assistant-tool-call-turn",
    "data-url-no-type",
  ];
  const folder = fileURLToPath(new URL("../../serve/cases/", import.meta.url));
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, `${name}.json`), "utf8"))));
};

/** Every route, in the process: anything but an answer, or an error of the common shape below 500, is a fault. */
export const http: OpenTarget = async () => {
  const server = await openServer({
    model: new FakeModel(),
    log: createLog("silent"),
    settings: { port: 0, maxTokens: 40 },
  });
  const app = createApp(server.context);
  const paths = ["/v1/chat/completions", "/v1/responses", "/v1/flashvl/attention"];
  const gets = ["/health", "/ready", "/metrics", "/v1/models", "/openapi.json", "/v1/flashvl/about", "/"];
  let turn = 0;
  return {
    corpus: jsons(
      ...(await cases()),
      { input: "Hi", instructions: "Be short." },
      { messages: [{ role: "user", content: "Hi" }], stream: true },
    ),
    json: true,
    async run(input) {
      const path = paths[turn++ % paths.length]!;
      const headers = { "content-type": "application/json", host: "localhost" };
      const answers = [app.request(path, { method: "POST", headers, body: input as BodyInit })];
      // What was a body is a path and a query now and then.
      const text = encodeURIComponent(new TextDecoder().decode(input.subarray(0, 200)));
      if (turn % 5 === 0) answers.push(app.request(`${gets[turn % gets.length]}?${text}`, { headers }));
      if (turn % 7 === 0) answers.push(app.request(`/v1/models/${text}`, { headers }));
      for (const response of await Promise.all(answers)) {
        const body = await response.text();
        if (response.status >= 500 && response.status !== 501)
          throw new TypeError(`${path} answered ${response.status}: is not defined in the API: ${body}`);
        if (response.status >= 400 && typeof JSON.parse(body).error?.message !== "string")
          throw new TypeError(`${path}: an error is not a function of its shape: ${body}`);
        if (body.includes("[object Object]")) throw new TypeError(`${path}: [object Object] in ${body}`);
      }
    },
    close: () => server.close(),
  };
};

/** Messages to the MCP server: it answers each, and goes on. */
export const mcp: OpenTarget = async () => {
  const model = { generate: async () => ({ text: "{}", finishReason: "stop" }) };
  const { url, close } = await serveMcpHttp(model as never, { port: 0 });
  const call = (name: string, args: object) => ({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name, arguments: args },
  });
  const picture =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const initialize = {
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "f", version: "1" } },
  };
  return {
    corpus: jsons(
      initialize,
      { jsonrpc: "2.0", id: 2, method: "tools/list" },
      call("ask_about_image", { image: picture, question: "What?" }),
      call("extract_data", { image: picture, schema: { type: "object" } }),
    ),
    json: true,
    async run(input) {
      const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
      const response = await fetch(url, { method: "POST", headers, body: input as BodyInit });
      const body = await response.text();
      if (response.status >= 500)
        throw new TypeError(`answered ${response.status}: is not defined in the protocol: ${body}`);
    },
    close,
  };
};
