/** @file What the evaluation tests share: small TSV files in VLMEvalKit's column layouts, pictures, answerers, endpoints. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { onTestFinished } from "vitest";
import type { Answer, Answerer } from "../../src/eval/index.ts";

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "flashvl-eval-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A one-coloured PNG as base64, longer than the 64 characters of a reference. */
export async function pngBase64(colour = "#c04020"): Promise<string> {
  const picture = sharp({ create: { width: 24, height: 16, channels: 3, background: colour } });
  return (await picture.png().toBuffer()).toString("base64");
}

export type Cell = string | number | null;

/** Writes a TSV as pandas would: cells with tabs, quotes or line breaks quoted, missing ones empty. */
export function writeTsv(path: string, rows: readonly Record<string, Cell>[]): void {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const quote = (cell: Cell | undefined) => {
    const text = cell === null || cell === undefined ? "" : String(cell);
    return /["\t\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns.join("\t"), ...rows.map((row) => columns.map((column) => quote(row[column])).join("\t"))];
  writeFileSync(path, `${lines.join("\n")}\n`);
}

/** Answers from a table; a row without an entry gets `fallback`. */
export function scriptedAnswerer(
  replies: Readonly<Record<string, string>>,
  fallback = "",
  name = "scripted",
): Answerer {
  return {
    name,
    settings: { scripted: true },
    async *answer(requests) {
      for await (const { key } of requests) {
        const answer: Answer = { key, text: replies[key] ?? fallback, milliseconds: 1 };
        yield answer;
      }
    },
    close: async () => {},
  };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

export interface ChatRequest {
  model: string;
  temperature: number;
  messages: { role: string; content: string | { type: string; text?: string; image_url?: { url: string } }[] }[];
}

export interface Endpoint {
  baseUrl: string;
  requests: ChatRequest[];
  /** The most requests that were under way at once. */
  mostActive: number;
}

type ChatReply = string | number;

/** An OpenAI-compatible endpoint on loopback; a number as reply is an HTTP status. Closed after the test. */
export async function chatEndpoint(
  reply: (request: ChatRequest, count: number) => ChatReply | Promise<ChatReply>,
): Promise<Endpoint> {
  const endpoint: Endpoint = { baseUrl: "", requests: [], mostActive: 0 };
  const { requests } = endpoint;
  let active = 0;
  const server = createServer(async (request, response) => {
    const body = (await readBody(request)) as ChatRequest;
    requests.push(body);
    endpoint.mostActive = Math.max(endpoint.mostActive, ++active);
    const answer = await reply(body, requests.length);
    active--;
    if (typeof answer === "number") {
      response.writeHead(answer, { "retry-after": "0" }).end("no");
      return;
    }
    const choices = [{ message: { role: "assistant", content: answer } }];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ choices, usage: { prompt_tokens: 10, completion_tokens: 2 } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  endpoint.baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return endpoint;
}

/** The text of a judge's question. */
export function promptOf(request: ChatRequest): string {
  return String(request.messages.at(-1)!.content);
}

export const QUICK_RETRY = { retries: 2, firstDelayMs: 1, timeoutMs: 5000 };
