// `flashvl serve` and `flashvl mcp` as processes: config file, readiness, drain on SIGTERM, exit codes, stdio.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { until } from "./start.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const tiny = join(root, "test/golden/static-tiny");
const folder = mkdtempSync(join(tmpdir(), "flashvl-command-"));
const COMMAND = ["--import", "tsx", join(root, "src/cli/main.ts")];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Running {
  child: ChildProcess;
  out: string;
  log: string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
}

function run(args: string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [...COMMAND, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const running: Running = { child, out: "", log: "", ended: new Promise((resolve) => child.once("exit", resolve)) };
  child.stdout!.on("data", (chunk) => {
    running.out += chunk;
  });
  child.stderr!.on("data", (chunk) => {
    running.log += chunk;
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return running;
}

/** The head of an answer over a Unix socket; a body makes the request a POST. */
function over(socketPath: string, path: string, body?: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    request({ socketPath, path, method: body ? "POST" : "GET", headers }, resolve)
      .on("error", reject)
      .end(body && JSON.stringify(body));
  });
}

/** Address of a server whose model is loaded. */
async function ready(server: Running): Promise<string> {
  await until(() => expect(server.out + server.log).toMatch(/Listening on http:\/\/127\.0\.0\.1:\d+/));
  const url = /Listening on (\S+)/.exec(server.out)![1]!;
  await until(async () => expect((await fetch(`${url}/ready`)).status).toBe(200));
  return url;
}

test("serve reads flags, environment and config file, and drains on SIGTERM: the running answer ends, then the process", async () => {
  const config = join(folder, "serve.yaml");
  writeFileSync(config, "port: 0\nmodelName: [from-file]\nmaxQueue: 3\n");
  const server = run(["serve", tiny, "--config", config, "--cache", folder, "--drain-timeout", "20"], {
    FLASHVL_API_KEY: "sesame",
    FLASHVL_MAX_TOKENS: "300",
  });
  const url = await ready(server);
  const headers = { authorization: "Bearer sesame", "content-type": "application/json" };
  const models = await (await fetch(`${url}/v1/models`, { headers })).json();
  expect(models.data[0].id).toBe("from-file");

  const body = JSON.stringify({
    messages: [{ role: "user", content: "Hi" }],
    max_completion_tokens: 250,
    stream: true,
  });
  const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
  server.child.kill("SIGTERM");
  expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
  expect(await server.ended).toBe(0);
  expect(server.log).toContain('"message":"draining"');
  await expect(fetch(`${url}/health`)).rejects.toThrow();
});

test("SIGKILL loses the request in flight and nothing else: the next server takes over socket and cache, and answers the same", async () => {
  const socket = join(folder, "s");
  const start = async () => {
    const server = run(["serve", tiny, "--cache", folder, "--socket", socket]);
    await until(() => expect(server.out + server.log).toContain(`Listening on unix:${socket}`));
    await until(async () => expect((await over(socket, "/ready")).statusCode).toBe(200));
    return server;
  };
  const ask = (content: string, more: object) =>
    over(socket, "/v1/chat/completions", { messages: [{ role: "user", content }], ...more });
  const answer = async () => {
    const response = await ask("What do you know?", { max_completion_tokens: 12 });
    return JSON.parse(await text(response)).choices;
  };

  const first = await start();
  const before = await answer();
  const flight = await ask("Go on", { max_completion_tokens: 4000, stream: true });
  await new Promise((resolve) => flight.once("data", resolve));
  first.child.kill("SIGKILL");
  await expect(text(flight)).rejects.toThrow("aborted");
  expect([await first.ended, first.child.signalCode, existsSync(socket)]).toEqual([null, "SIGKILL", true]);

  await start();
  expect(before[0].message.content).not.toBe("");
  expect(await answer()).toEqual(before);
});

test("serve ends with a clear error for a setting or a model that is none", async () => {
  const setting = run(["serve", tiny, "--port", "http"]);
  expect(await setting.ended).not.toBe(0);
  expect(setting.log).toMatch(/--port/);
  const model = run(["serve", join(folder, "nothing"), "--port", "0"]);
  expect(await model.ended).not.toBe(0);
  expect(model.log).toContain("nothing");
});

test("serve's exit code says whether the command line or a file is at fault", async () => {
  const missing = join(folder, "none.pem");
  const cases = [
    [["--port", "99999"], 2, "--port"],
    [["--cors-origin", "a.example"], 2, "--cors-origin"],
    [["--tls-cert", missing, "--tls-key", missing], 3, "--tls-cert"],
    [["--tls-cert", join(root, "README.md"), "--tls-key", join(root, "README.md")], 4, "--tls-cert"],
  ] as const;
  const ends = await Promise.all(
    cases.map(async ([flags, , named]) => {
      const server = run(["serve", tiny, "--cache", folder, "--port", "0", ...flags]);
      return [await server.ended, server.log.includes(named)];
    }),
  );
  expect(ends).toEqual(cases.map(([, code]) => [code, true]));
});

test("mcp answers an assistant over stdio, with pictures by path", async () => {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [...COMMAND, "mcp", tiny, "--cache", folder, "--max-tokens", "40"],
      cwd: root,
      stderr: "ignore",
    }),
  );
  onTestFinished(() => client.close());
  const image = join(tiny, "images/photo.jpg");
  const { content, isError } = await client.callTool({
    name: "extract_json",
    arguments: { image, schema: { enum: ["red", "green"] } },
  });
  expect(isError ?? false).toBe(false);
  expect(["red", "green"]).toContain(JSON.parse((content as { text: string }[])[0]!.text));
  expect(readFileSync(image).length).toBeGreaterThan(0);
  const ask = async (image: string) => {
    const result = await client.callTool({ name: "ask_image", arguments: { image, question: "What is this?" } });
    return { isError: result.isError ?? false, text: (result.content as { text: string }[])[0]!.text };
  };
  const told = await ask(image);
  expect([told.isError, told.text !== ""]).toEqual([false, true]);
  expect(await ask(join(folder, "none.jpg"))).toEqual({ isError: true, text: expect.stringContaining("none.jpg") });
});

test("mcp's standard output holds nothing but JSON-RPC, whatever else in the process prints", async () => {
  const child = spawn(process.execPath, [...COMMAND, "mcp", tiny, "--cache", folder, "--max-tokens", "60"], {
    cwd: root,
    env: {
      ...process.env,
      // A library that prints all the time while standard output is guarded.
      NODE_OPTIONS: `--import "data:text/javascript,setInterval(()=>Object.hasOwn(process.stdout,'write')&&console.log('[WARNING]'),2).unref()"`,
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let aside = "";
  child.stderr.on("data", (chunk) => {
    aside += chunk;
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const schema = {
    type: "object",
    properties: { p: { type: "string", pattern: "^[0-9]{1,3}$|^N/A$" } },
    required: ["p"],
  };
  const image = join(tiny, "images/photo.jpg");
  const client = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x", version: "1" } };
  for (const message of [
    { jsonrpc: "2.0", id: 1, method: "initialize", params: client },
    { jsonrpc: "2.0", method: "notifications/initialized" },
    { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "extract_json", arguments: { image, schema } } },
  ])
    child.stdin.write(`${JSON.stringify(message)}\n`);
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  await until(() => expect(out).toContain('"id":2'));
  child.stdin.end();
  const messages = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(messages.map(({ jsonrpc, id }) => [jsonrpc, id])).toEqual([
    ["2.0", 1],
    ["2.0", 2],
  ]);
  expect(aside).toContain("[WARNING]");
  expect(JSON.parse(messages[1].result.content[0].text).p).toMatch(/^[0-9]{1,3}$|^N\/A$/);
});
