// OpenAI's agents package and the MCP inspector, from a folder of their own, against a scripted model.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { type McpModel, serveMcpHttp } from "../../src/mcp/index.ts";
import type { Message } from "../../src/processor/index.ts";
import { FakeModel } from "./fake-model.ts";
import { start } from "./start.ts";

const folder = fileURLToPath(new URL("agents/", import.meta.url));
const node = async (...args: string[]) => (await promisify(execFile)(process.execPath, args, { cwd: folder })).stdout;

/** Calls the weather once, and then answers with what it was told. */
const scripted = () =>
  new FakeModel({
    script: (messages: Message[]) => {
      const { role, content } = messages.at(-1)!;
      const text =
        typeof content === "string" ? content : content.map((part) => (part.type === "text" ? part.text : "")).join("");
      if (role === "tool") return `It is ${text}.`;
      return '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>';
    },
  });

/** Whether the clients have been installed; says once how to do it. */
function areInstalled(): boolean {
  if (existsSync(`${folder}node_modules`)) return true;
  console.warn("Two clients are not tried: npm ci --prefix test/serve/agents installs them (350 MB).");
  return false;
}

describe.runIf(areInstalled())("clients from a folder of their own", () => {
  test("OpenAI's agents call a tool and answer, in chat, streamed and in responses", async () => {
    const model = scripted();
    const server = await start({ model, settings: { modelName: ["tiny"], apiKey: ["sesame"] } });
    const report = JSON.parse(await node("ask.mjs", `${server.url}/v1`, "sesame"));
    const answer = "It is rain in Oslo.";
    expect(report).toEqual({ chat: answer, chatStream: answer, responses: answer });
    expect(model.requests).toHaveLength(6);
  });

  test("the MCP inspector lists the tools and calls one", async () => {
    const model: McpModel = { generate: async () => ({ text: '{"n":7}' }) as never };
    const { url, close } = await serveMcpHttp(model, { port: 0 });
    const inspect = (...args: string[]) =>
      node("node_modules/.bin/mcp-inspector", "--cli", url, "--transport", "http", "--method", ...args);
    try {
      const listed = JSON.parse(await inspect("tools/list"));
      expect(listed.tools.map(({ name }: { name: string }) => name).sort()).toEqual([
        "ask_image",
        "describe_image",
        "extract_json",
      ]);
      const pixel =
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
      const called = await inspect(
        "tools/call",
        "--tool-name",
        "ask_image",
        "--tool-arg",
        `image=${pixel}`,
        "question=What?",
      );
      expect(JSON.parse(called).content).toEqual([{ type: "text", text: '{"n":7}' }]);
    } finally {
      await close();
    }
  });
});
