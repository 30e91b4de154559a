// The server around its routes: responses, models, status, metrics, keys, hosts, queue, disconnects, drain, sockets.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { get as getSecure } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { createApp } from "../../src/serve/app.ts";
import { readSettings, settingNames, startServer } from "../../src/serve/index.ts";
import { PING_INTERVAL_MS } from "../../src/serve/limits.ts";
import { openapiDocument } from "../../src/serve/openapi.ts";
import { FakeModel } from "./fake-model.ts";
import { gate, post, start, until } from "./start.ts";

/** Removed when the test is over. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "flashvl-serve-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const CHAT = "/v1/chat/completions";
const hello = { messages: [{ role: "user", content: "Hi" }] };

describe("responses", () => {
  test("answer with a response object", async () => {
    const server = await start();
    const body = { input: "Hi", instructions: "Be brief.", metadata: { a: "b" } };
    const response = await (await post(server, "/v1/responses", body)).json();
    expect(response).toMatchObject({
      object: "response",
      status: "completed",
      store: false,
      metadata: { a: "b" },
      output: [
        {
          type: "message",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: "You asked: Hi []" }],
        },
      ],
      usage: { input_tokens: 10, input_tokens_details: { cached_tokens: 4 }, output_tokens: 17, total_tokens: 27 },
    });
  });

  test("stream semantic events, numbered in order", async () => {
    const server = await start();
    const text = await (await post(server, "/v1/responses", { input: "Hi", stream: true })).text();
    const events = text
      .trim()
      .split("\n\n")
      .map((block) => {
        const [event, data] = block.split("\n");
        return { name: event!.slice(7), ...JSON.parse(data!.slice(6)) };
      });
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.every(({ name, type }) => name === type)).toBe(true);
    expect([...new Set(events.map(({ type }) => type))]).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(
      events
        .filter(({ type }) => type.endsWith("delta"))
        .map(({ delta }) => delta)
        .join(""),
    ).toBe("You asked: Hi []");
  });

  test("say incomplete where the token limit cut the answer", async () => {
    const server = await start();
    const response = await (await post(server, "/v1/responses", { input: "Hi", max_output_tokens: 3 })).json();
    expect(response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
  });

  test("hold the answer to the JSON schema of text.format", async () => {
    const model = new FakeModel();
    const server = await start({ model });
    const schema = { type: "object", properties: { a: { enum: [1, 2] } } };
    const format = { type: "json_schema", name: "a", schema };
    expect((await post(server, "/v1/responses", { input: "Hi", text: { format } })).status).toBe(200);
    expect(
      (await post(server, "/v1/responses", { input: "Hi", text: { format: { type: "json_object" } } })).status,
    ).toBe(200);
    expect(model.requests.map(({ options }) => options.schema)).toEqual([schema, true]);
  });

  test("refuse state by name", async () => {
    const server = await start();
    const response = await post(server, "/v1/responses", { input: "Hi", previous_response_id: "resp_1" });
    expect((await response.json()).error).toMatchObject({
      param: "previous_response_id",
      code: "unsupported_parameter",
    });
  });
});

describe("responses of a strict server refuse by name", () => {
  test.each([
    ["background", { background: true }, "unsupported_parameter"],
    ["conversation", { conversation: "conv_1" }, "unsupported_parameter"],
    ["max_tool_calls", { max_tool_calls: 1 }, "unsupported_parameter"],
    ["presence_penalty", { presence_penalty: 1 }, "unsupported_parameter"],
    ["prompt", { prompt: { id: "p" } }, "unsupported_parameter"],
    ["reasoning", { reasoning: { effort: "low" } }, "unsupported_parameter"],
    ["store", { store: true }, "unsupported_parameter"],
    ["tools.0.type", { tools: [{ type: "web_search" }] }, "invalid_value"],
    ["truncation", { truncation: "auto" }, "invalid_value"],
    ["include.0", { include: ["file_search_call.results"] }, "invalid_value"],
    ["top_logprobs", { top_logprobs: 2 }, "invalid_value"],
    ["text", { text: { verbosity: "low" } }, "unsupported_parameter"],
    ["max_output_tokens", { max_output_tokens: 99_999 }, "invalid_value"],
  ])("%s", async (param, body, code) => {
    const model = new FakeModel();
    const server = await start({ model, settings: { strict: true } });
    const response = await post(server, "/v1/responses", { input: "Hi", ...body });
    const { error } = await response.json();
    expect([response.status, error.param, error.code]).toEqual([400, param, code]);
    // A faulty member is named in the sentence, its place in `param`.
    expect(error.message).toContain(param === "text" ? "verbosity" : param);
    expect(model.requests).toEqual([]);
  });
});

describe("status", () => {
  test("models are listed and found by id, also with a slash", async () => {
    const server = await start({ settings: { modelName: ["org/a", "b"] } });
    const list = await (await fetch(`${server.url}/v1/models`)).json();
    expect(list.data.map(({ id }: { id: string }) => id)).toEqual(["org/a", "b"]);
    expect(await (await fetch(`${server.url}/v1/models/org/a`)).json()).toMatchObject({ id: "org/a", object: "model" });
    expect((await fetch(`${server.url}/v1/models/c`)).status).toBe(404);
  });

  test("the server is alive before the model is loaded and ready after it", async () => {
    const { wait, open } = gate();
    const server = await start({ model: wait.then(() => new FakeModel()) });
    const status = async (path: string) => (await fetch(server.url + path)).status;
    expect([await status("/health"), await status("/ready")]).toEqual([200, 503]);
    const early = await post(server, CHAT, hello);
    expect([early.status, early.headers.get("retry-after")]).toEqual([503, "5"]);
    open();
    await until(async () => expect(await status("/ready")).toBe(200));
  });

  test("metrics count requests, tokens and times under the names that gateways read", async () => {
    const server = await start();
    await (await post(server, CHAT, hello)).text();
    const page = await (await fetch(`${server.url}/metrics`)).text();
    for (const line of [
      'vllm:num_requests_running{model_name="flashvl"} 0',
      'vllm:num_requests_waiting{model_name="flashvl"} 0',
      'vllm:prompt_tokens_total{model_name="flashvl"} 10',
      'vllm:prefix_cache_queries_total{model_name="flashvl"} 10',
      'vllm:prefix_cache_hits_total{model_name="flashvl"} 4',
      'vllm:generation_tokens_total{model_name="flashvl"} 17',
      'vllm:time_to_first_token_seconds_count{model_name="flashvl"} 1',
      'vllm:inter_token_latency_seconds_count{model_name="flashvl"} 15',
      'vllm:e2e_request_latency_seconds_count{model_name="flashvl"} 1',
      'vllm:request_queue_time_seconds_count{model_name="flashvl"} 1',
      'flashvl:request_body_bytes{model_name="flashvl"} 0',
      'vllm:request_success_total{finished_reason="stop",model_name="flashvl"} 1',
      'flashvl:http_responses_total{route="/v1/chat/completions",status="200",model_name="flashvl"} 1',
    ]) {
      expect(page).toContain(line);
    }
  });

  test("metrics tell of what runs and what waits at this moment", async () => {
    const { wait, open } = gate();
    const server = await start({ model: new FakeModel({ beforeToken: () => wait }), settings: { parallel: 1 } });
    const answers = [post(server, CHAT, hello), post(server, CHAT, hello)];
    await until(() => expect([server.context.queue.running, server.context.queue.waiting]).toEqual([1, 1]));
    const page = await (await fetch(`${server.url}/metrics`)).text();
    expect(page).toContain('vllm:num_requests_running{model_name="flashvl"} 1\n');
    expect(page).toContain('vllm:num_requests_waiting{model_name="flashvl"} 1\n');
    expect(page).toMatch(/flashvl:request_body_bytes\{model_name="flashvl"\} [1-9]/);
    open();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
  });

  test("metrics count answers that were left or that failed by their reason, their tokens included", async () => {
    const model = new FakeModel({
      beforeToken: (at, signal) =>
        at === 3 ? new Promise((resolve) => signal!.addEventListener("abort", () => resolve())) : undefined,
    });
    const server = await start({ model });
    const controller = new AbortController();
    const response = await post(server, CHAT, { ...hello, stream: true }, { signal: controller.signal });
    await response.body!.getReader().read();
    controller.abort();
    const page = async () => (await fetch(`${server.url}/metrics`)).text();
    await until(async () =>
      expect(await page()).toContain('vllm:request_success_total{finished_reason="abort",model_name="flashvl"} 1'),
    );
    expect(await page()).toContain('vllm:generation_tokens_total{model_name="flashvl"} 3');
    expect(await page()).toContain('vllm:time_to_first_token_seconds_count{model_name="flashvl"} 1');
    expect(await page()).toContain('vllm:e2e_request_latency_seconds_count{model_name="flashvl"} 0');

    const failing = await start({ model: new FakeModel({ beforeToken: () => Promise.reject(new Error("broken")) }) });
    expect((await post(failing, CHAT, hello)).status).toBe(500);
    const failed = await (await fetch(`${failing.url}/metrics`)).text();
    expect(failed).toContain('vllm:request_success_total{finished_reason="error",model_name="flashvl"} 1');
  });

  test("the OpenAPI document has every route with its schema", async () => {
    const server = await start();
    const document = await (await fetch(`${server.url}/openapi.json`)).json();
    expect(document).toEqual(JSON.parse(JSON.stringify(openapiDocument())));
    expect(
      document.paths["/v1/chat/completions"].post.requestBody.content["application/json"].schema.properties,
    ).toHaveProperty("top_logprobs");
  });

  test("the OpenAPI document has the paths that the application has, and no others", async () => {
    const server = await start({ settings: { page: false } });
    const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: Record<string, object> };
    const told = Object.entries(paths).flatMap(([path, methods]) =>
      ["get", "post", "put", "patch", "delete"]
        .filter((method) => method in methods)
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = createApp(server.context)
      // Middleware stands among the routes, under every method.
      .routes.filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{.*?\})?/g, "{$1}")}`);
    expect(told.sort()).toEqual([...new Set(routes)].sort());
  });

  test("a path that does not exist gets an error in OpenAI's shape", async () => {
    const server = await start();
    const response = await fetch(`${server.url}/v1/embeddings`, { method: "POST" });
    expect([response.status, (await response.json()).error.code]).toEqual([404, "not_found"]);
  });
});

describe("the queue", () => {
  test("runs as many as it has slots, lets some wait, and turns the rest away with Retry-After", async () => {
    const { wait, open } = gate();
    const model = new FakeModel({ beforeToken: () => wait });
    const server = await start({ model, settings: { parallel: 2, maxQueue: 1 } });
    const answers = [post(server, CHAT, hello), post(server, CHAT, hello), post(server, CHAT, hello)];
    await until(() => expect([server.context.queue.running, server.context.queue.waiting]).toEqual([2, 1]));
    const refused = await post(server, CHAT, hello);
    expect([refused.status, (await refused.json()).error]).toEqual([
      429,
      expect.objectContaining({ code: "queue_full", type: "rate_limit_error" }),
    ]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    open();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(model.mostActive).toBe(2);
  });

  test("a client that leaves its stream frees the slot at the next token", async () => {
    const model = new FakeModel({
      script: () => "x".repeat(10_000),
      beforeToken: () => new Promise((resolve) => setImmediate(resolve)),
    });
    const server = await start({ model });
    const controller = new AbortController();
    const response = await post(
      server,
      CHAT,
      { ...hello, stream: true, max_tokens: 4096 },
      { signal: controller.signal },
    );
    await response.body!.getReader().read();
    controller.abort();
    await until(() => expect([server.context.queue.running, model.active, model.aborted]).toEqual([0, 0, 1]));
  });

  test("a client that ends its side of the connection after the request gets its answer", async () => {
    const server = await start({
      model: new FakeModel({ beforeToken: () => new Promise((next) => setImmediate(next)) }),
    });
    const body = JSON.stringify(hello);
    const head = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const socket = connect({ port: Number(new URL(server.url).port), host: "127.0.0.1", allowHalfOpen: true });
    socket.end(head + body);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 (200|102)/);
    expect(answer).toContain("You asked: Hi []");
  });

  test("a stream whose client has ended its side is probed before the next token, and goes on", async () => {
    const { wait, open } = gate();
    const server = await start({ model: new FakeModel({ beforeToken: (at) => (at === 1 ? wait : undefined) }) });
    const body = JSON.stringify({ ...hello, stream: true });
    const head = `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const socket = connect({ port: Number(new URL(server.url).port), host: "127.0.0.1", allowHalfOpen: true });
    socket.end(head + body);
    const began = performance.now();
    let answer = "";
    const pings = () => answer.split(": ping").length - 1;
    for await (const part of socket) {
      answer += part;
      if (pings() >= 3) open();
    }
    // Signs of life alone would have needed three of their intervals.
    expect(performance.now() - began).toBeLessThan(3 * PING_INTERVAL_MS);
    expect(answer).toContain("[DONE]");
  });

  test("a client that leaves while it waits leaves the line", async () => {
    const { wait, open } = gate();
    const server = await start({ model: new FakeModel({ beforeToken: () => wait }), settings: { parallel: 1 } });
    const running = post(server, CHAT, hello);
    await until(() => expect(server.context.queue.running).toBe(1));
    const controller = new AbortController();
    const waiting = post(server, CHAT, hello, { signal: controller.signal }).catch(() => "gone");
    await until(() => expect(server.context.queue.waiting).toBe(1));
    controller.abort();
    expect(await waiting).toBe("gone");
    await until(() => expect(server.context.queue.waiting).toBe(0));
    open();
    expect((await running).status).toBe(200);
  });

  test("a request over its time gets 504 and frees its slot", async () => {
    const model = new FakeModel({
      beforeToken: (_, signal) => new Promise((resolve) => signal!.addEventListener("abort", () => resolve())),
    });
    const server = await start({ model, settings: { requestTimeout: 0.05 } });
    const response = await post(server, CHAT, hello);
    expect([response.status, (await response.json()).error.code]).toEqual([504, "timeout"]);
    expect(server.context.queue.running).toBe(0);
  });
});

describe("access", () => {
  test("needs a key where keys are set, except for what a platform watches", async () => {
    const server = await start({ settings: { apiKey: ["sesame", "second"] } });
    const get = async (path: string, authorization?: string) =>
      (await fetch(server.url + path, { headers: authorization ? { authorization } : {} })).status;
    expect(await get("/v1/models")).toBe(401);
    expect(await get("/v1/models", "Bearer wrong")).toBe(401);
    expect(await get("/v1/models", "Basic sesame")).toBe(401);
    expect(await get("/v1/models", "Bearer second")).toBe(200);
    expect([await get("/health"), await get("/ready"), await get("/metrics")]).toEqual([200, 200, 401]);
  });

  test("keys come from a file, and an empty file does not open the server", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "keys"), "# ours\nsesame\n");
    const server = await start({ settings: { apiKeyFile: join(folder, "keys") } });
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(401);
    writeFileSync(join(folder, "none"), "\n");
    await expect(start({ settings: { apiKeyFile: join(folder, "none") } })).rejects.toThrow("holds no key");
  });

  test("a loopback server answers to loopback names only, so a re-pointed name gets nothing", async () => {
    const server = await start({ settings: { allowedHost: ["proxy.example"] } });
    const status = (host: string) =>
      new Promise<number>((resolve) =>
        request(`${server.url}/v1/models`, { headers: { host } }, (response) =>
          resolve(response.resume().statusCode!),
        ).end(),
      );
    expect(await status("evil.example")).toBe(421);
    expect(await status("localhost:1234")).toBe(200);
    expect(await status("proxy.example")).toBe(200);
  });

  test("other origins get no CORS headers unless they are named", async () => {
    const preflight = async (settings: object) => {
      const server = await start({ settings });
      const response = await fetch(server.url + CHAT, {
        method: "OPTIONS",
        headers: { origin: "https://a.example", "access-control-request-method": "POST" },
      });
      return response.headers.get("access-control-allow-origin");
    };
    expect(await preflight({})).toBeNull();
    expect(await preflight({ corsOrigin: ["https://b.example"] })).toBeNull();
    expect(await preflight({ corsOrigin: ["https://a.example"], apiKey: ["k"] })).toBe("https://a.example");
  });

  test("a page of a named origin may send the headers that its client sends", async () => {
    const server = await start({ settings: { corsOrigin: ["https://a.example"] } });
    const asked = "authorization,content-type,x-stainless-arch,x-stainless-lang,x-stainless-retry-count";
    const headers = {
      origin: "https://a.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": asked,
    };
    const response = await fetch(server.url + CHAT, { method: "OPTIONS", headers });
    expect(response.headers.get("access-control-allow-headers")).toBe(asked);
    expect(() => readSettings({ flags: { corsOrigin: ["a.example"] } })).toThrow(/--cors-origin: must be an origin/);
  });
});

describe("the log", () => {
  test("has each request's id and status, and neither prompt nor answer nor key", async () => {
    const lines: string[] = [];
    const server = await start({ onLog: (line) => lines.push(line), settings: { apiKey: ["sesame"] } });
    const response = await post(
      server,
      CHAT,
      { messages: [{ role: "user", content: "private words" }] },
      { headers: { "x-request-id": "abc-1", authorization: "Bearer sesame" } },
    );
    expect(response.headers.get("x-request-id")).toBe("abc-1");
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({
      requestId: "abc-1",
      status: 200,
      path: CHAT,
      message: "answered",
    });
    expect(lines.join("")).not.toMatch(/private words|You asked|sesame/);
  });

  test("has the texts where they are asked for", async () => {
    const lines: string[] = [];
    const server = await start({ onLog: (line) => lines.push(line), settings: { logPrompts: true } });
    await (await post(server, CHAT, hello)).text();
    expect(lines.join("")).toMatch(/"content":"Hi".*You asked: Hi/s);
  });
});

describe("closing", () => {
  test("lets the running answer finish and refuses new work meanwhile", async () => {
    const { wait, open } = gate();
    const server = await start({ model: new FakeModel({ beforeToken: () => wait }), settings: { drainTimeout: 5 } });
    const running = post(server, CHAT, hello);
    await until(() => expect(server.context.queue.running).toBe(1));
    const closed = server.close();
    expect(server.context.isDraining()).toBe(true);
    await expect(post(server, CHAT, hello)).rejects.toThrow();
    open();
    expect((await running).status).toBe(200);
    await closed;
  });

  test("aborts in bounded time what does not finish", async () => {
    const model = new FakeModel({
      beforeToken: (_, signal) => new Promise((resolve) => signal!.addEventListener("abort", () => resolve())),
    });
    const server = await start({ model, settings: { drainTimeout: 0.05 } });
    const running = post(server, CHAT, hello);
    await until(() => expect(model.active).toBe(1));
    await server.close();
    const response = await running;
    expect([response.status, (await response.json()).error.code]).toEqual([503, "shutting_down"]);
    expect(model.active).toBe(0);
  });
});

describe("sockets", () => {
  test("a Unix socket serves, and one left by a killed server is taken over", async () => {
    const socket = join(temporaryFolder(), "s");
    const get = () =>
      new Promise<number>((resolve, reject) =>
        request({ socketPath: socket, path: "/health" }, (response) => resolve(response.resume().statusCode!))
          .on("error", reject)
          .end(),
      );
    const first = await start({ settings: { socket } });
    expect([first.url, await get()]).toEqual([`unix:${socket}`, 200]);
    await expect(start({ settings: { socket } })).rejects.toThrow("is taken by another process");
    expect(existsSync(socket)).toBe(true);
  });

  test.skipIf(!hasOpenssl())("TLS serves with a certificate, and half a pair is refused", async () => {
    const folder = temporaryFolder();
    const [tlsKey, tlsCert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost";
    execFileSync("openssl", [...request.split(" "), "-keyout", tlsKey, "-out", tlsCert], { stdio: "ignore" });
    const server = await start({ settings: { tlsKey, tlsCert } });
    expect(server.url).toMatch(/^https:/);
    const status = await new Promise<number>((resolve, reject) =>
      getSecure(
        `${server.url}/health`,
        { ca: readFileSync(tlsCert), servername: "localhost", checkServerIdentity: () => undefined },
        (response) => resolve(response.resume().statusCode!),
      ).on("error", reject),
    );
    expect(status).toBe(200);
    await expect(start({ settings: { tlsKey } })).rejects.toThrow("both --tls-cert and --tls-key");
    await expect(start({ settings: { tlsKey, tlsCert: join(folder, "none") } })).rejects.toThrow("cannot read");
  });

  test("a taken port is told with what to do", async () => {
    const server = await start();
    await expect(
      startServer({ model: new FakeModel(), settings: { port: Number(new URL(server.url).port), logLevel: "silent" } }),
    ).rejects.toThrow("Choose another with --port");
  });
});

describe("settings", () => {
  test("flags win over environment, environment over file, file over defaults", () => {
    const sources = {
      flags: { port: 1 },
      env: { FLASHVL_PORT: "2", FLASHVL_MAX_QUEUE: "5" },
      config: { maxQueue: 6, parallel: 3 },
    };
    expect(readSettings(sources)).toMatchObject({ port: 1, maxQueue: 5, parallel: 3, host: "127.0.0.1" });
  });

  test("lists and switches can be written as text", () => {
    expect(readSettings({ env: { FLASHVL_API_KEY: "a, b", FLASHVL_PAGE: "false" } })).toMatchObject({
      apiKey: ["a", "b"],
      page: false,
    });
  });

  test("a faulty one is named together with where it came from", () => {
    expect(() => readSettings({ env: { FLASHVL_PORT: "http" } })).toThrow(/FLASHVL_PORT/);
    expect(() => readSettings({ flags: { maxQueue: -1 } })).toThrow(/--max-queue/);
    expect(() => readSettings({ config: { prot: 1 } })).toThrow(/prot/);
    expect(() => readSettings({ flags: { tlsCert: "x" } })).toThrow(/tls-key/);
  });

  test("every one has a flag, an environment twin and a description", () => {
    for (const { flag, env, description } of settingNames()) {
      expect([flag, env, description.length > 10]).toEqual([
        expect.stringMatching(/^[a-z-]+$/),
        expect.stringMatching(/^FLASHVL_[A-Z_]+$/),
        true,
      ]);
    }
  });
});

function hasOpenssl(): boolean {
  return spawnSync("openssl", ["version"]).status === 0;
}
