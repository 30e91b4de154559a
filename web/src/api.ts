/** @file Talks to the server that served the page. */
import { type ApiMessage, dataUrl, toMessages, toSampling } from "./request.ts";
import type { About, AskSettings, Token, Turn } from "./types.ts";

const KEY = "flashvl-key";

/** The API key, kept until the tab is closed. */
export const apiKey = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (key: string) => sessionStorage.setItem(KEY, key),
};

/** A refusal or failure of the server, in its own words. */
export class ServerError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A piece of an answer. */
export interface Piece {
  text: string;
  tokens: Token[];
  ending?: "stop" | "length" | "abort";
  usage?: { prompt_tokens: number; completion_tokens: number; prompt_tokens_details: { cached_tokens: number } };
}

/** What the server can do. Throws {@link ServerError}. */
export async function about(): Promise<About> {
  return (await call("v1/flashvl/about")).json();
}

/**
 * Asks and yields the answer piece by piece. Throws {@link ServerError}, and the signal's reason when it aborts.
 *
 * @example for await (const piece of ask(turns, settings, signal)) show(piece.text);
 */
export async function* ask(turns: Turn[], settings: AskSettings, signal: AbortSignal): AsyncGenerator<Piece> {
  const body = {
    messages: await toMessages(turns, settings.system, dataUrl),
    ...toSampling(settings),
    logprobs: true,
    return_token_ids: true,
    stream: true,
    stream_options: { include_usage: true },
  };
  const response = await call("v1/chat/completions", body, signal);
  for await (const data of events(response)) {
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error) throw new ServerError(500, chunk.error.message);
    const [choice] = chunk.choices;
    yield {
      text: choice?.delta.content ?? "",
      tokens:
        choice?.logprobs?.content.map(({ token, bytes, logprob }, index) => ({
          id: choice.token_ids?.[index] ?? -1,
          text: token,
          bytes,
          logprob,
        })) ?? [],
      ending: choice?.finish_reason ?? undefined,
      usage: chunk.usage ?? undefined,
    };
  }
}

/** Where the model looked when it wrote a token: for each picture of the conversation one weight per cell, row by row. */
export interface Attention {
  rows: number;
  columns: number;
  maps: number[][];
}

/** Asks where the model looked. `turns` end with the question; `answer` is the answer to it, as token ids. */
export async function attention(turns: Turn[], system: string, answer: number[], token: number): Promise<Attention> {
  const messages: ApiMessage[] = await toMessages(turns, system, dataUrl);
  return (await call("v1/flashvl/attention", { messages, answer, token })).json();
}

interface Chunk {
  choices: {
    delta: { content?: string };
    token_ids?: number[];
    logprobs?: { content: { token: string; bytes: number[]; logprob: number }[] } | null;
    finish_reason?: "stop" | "length" | "abort" | null;
  }[];
  usage?: Piece["usage"] | null;
  error?: { message: string };
}

async function call(path: string, body?: object, signal?: AbortSignal): Promise<Response> {
  const key = apiKey.get();
  const response = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: { ...(body && { "content-type": "application/json" }), ...(key && { authorization: `Bearer ${key}` }) },
    body: body && JSON.stringify(body),
    signal,
  });
  if (response.ok) return response;
  const text = await response.text();
  let message = text.slice(0, 300) || response.statusText;
  try {
    message = (JSON.parse(text) as { error: { message: string } }).error.message;
  } catch {
    // A proxy in between may answer with something else than the server's JSON.
  }
  throw new ServerError(response.status, message);
}

async function* events(response: Response): AsyncGenerator<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = block.startsWith("data: ") ? block.slice(6) : "";
      if (data !== "" && data !== "[DONE]") yield data;
    }
  }
}
