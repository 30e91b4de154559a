/** @file The examples run, and say something about the pictures that they ask about. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { POST } from "../../examples/next-chat/app/api/chat/route.ts";
import type { FlashVL } from "../../src/index.ts";
import { readRecipe } from "../../src/train/index.ts";

const root = join(import.meta.dirname, "../..");
const board = join(root, "examples/board.png");

// The route keeps its model for as long as its process lives.
afterAll(async () => (await (globalThis as { flashvlModel?: Promise<FlashVL> }).flashvlModel)?.dispose());

function start(name: string, args: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "-C", "flashvl-source", join(root, "examples", name), ...args],
    {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  let [out, words] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk));
  child.stderr.on("data", (chunk: Buffer) => (words += chunk));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, ended, out: () => out, words: () => words };
}

async function output(name: string, ...args: string[]): Promise<string> {
  const program = start(name, args);
  const code = await program.ended;
  expect(code, program.words()).toBe(0);
  return program.out();
}

it("chat: one answer", async () => {
  expect(await output("chat.ts", board, "What is in row 1, column 1?")).toMatch(/lime/i);
});

it("stream: the second question finds the first in the cache", async () => {
  expect(await output("stream.ts")).toMatch(/lime[\s\S]*[1-9]\d* of \d+ prompt tokens cached/i);
});

it("batch-folder: a line of JSON for each picture, in order", async () => {
  const rows = (await output("batch-folder.ts"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map(({ picture }) => picture)).toEqual([
    "blue-square.png",
    "green-triangles.png",
    "red-circles.png",
    "yellow-star.png",
  ]);
  for (const { answer } of rows) expect(answer).toMatch(/\w/);
});

it("meters: pictures, and a table of what they read, the same for the same seed; its recipe is valid", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-meters-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const tables = [];
  for (const name of ["a", "b"]) {
    expect(await output("meters/draw.ts", join(folder, name), "3", "5")).toMatch(/^3 meters in /);
    tables.push(readFileSync(join(folder, name, "labels.csv"), "utf8"));
  }
  expect(tables[0]).toMatch(/^file_name,label\nmeter-00001.jpg,\d{4}\nmeter-00002.jpg,\d{4}\nmeter-00003.jpg,\d{4}\n$/);
  expect(tables[1]).toBe(tables[0]);
  const [a, b] = ["a", "b"].map((name) => readFileSync(join(folder, name, "meter-00002.jpg")));
  expect(a!.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
  expect(a!.length).toBeGreaterThan(2000);
  expect(b!.length).toBeGreaterThan(2000);
  expect(await readRecipe(join(root, "examples/meters/meters.yaml"))).toMatchObject({ stage: "sft", model: "tiny" });
});

it("langchain-tool: the tool and the chat model answer", async () => {
  const [tool, ...chat] = (await output("langchain-tool.ts")).trim().split("\n");
  expect(tool).toMatch(/lime/i);
  expect(chat.join("\n")).toMatch(/\w/);
});

it("hono-route: a form with a picture is answered as text", async () => {
  const program = start("hono-route.ts", [], { PORT: "0" });
  await expect.poll(program.out).toMatch(/http:\S+/);
  const form = new FormData();
  form.set("picture", new File([readFileSync(board)], "board.png"));
  form.set("question", "What is in row 1, column 1?");
  const url = program.out().match(/http:\S+/)![0];
  expect(await (await fetch(url, { method: "POST", body: form })).text()).toMatch(/lime/i);
  expect((await fetch(url, { method: "POST", body: new FormData() })).status).toBe(400);
  program.child.kill("SIGTERM");
  expect(await program.ended).toBe(0);
});

it("next-chat: useChat's route streams the model's text", async () => {
  const url = `data:image/png;base64,${readFileSync(board, "base64")}`;
  const parts = [
    { type: "file", mediaType: "image/png", url },
    { type: "text", text: "What is in row 1, column 1?" },
  ];
  const body = JSON.stringify({ messages: [{ id: "1", role: "user", parts }] });
  const response = await POST(new Request("http://127.0.0.1/api/chat", { method: "POST", body }));
  const events = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
  const texts = events
    .map((line) => JSON.parse(line.slice(6)))
    .flatMap(({ type, delta }) => (type === "text-delta" ? [delta] : []));
  expect(texts.join("")).toMatch(/lime/i);
});

it("own-task: flashvl eval scores a task of one's own, with a score for each category", async () => {
  const folder = mkdtempSync(join(tmpdir(), "flashvl-own-task-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const words = await output(
    "../src/cli/main.ts",
    "eval",
    join(root, "examples/own-task.ts"),
    "--out",
    folder,
    "--no-html",
  );
  expect(words).toMatch(/board-prices \(12 rows/);
  expect(words).toMatch(/category asked kindly: [\d.]+ %/);
});

it("MCP's configuration starts this package's server", () => {
  const { mcpServers } = JSON.parse(readFileSync(join(root, "examples/mcp/claude-desktop.json"), "utf8"));
  expect(mcpServers.flashvl.args.at(-1)).toBe("mcp");
});
