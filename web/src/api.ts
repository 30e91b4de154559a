/** @file Talks to the server that served the page. */
import { eventData } from "./events.ts";
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
  /** The server's name for what is wrong. */
  readonly code: string | undefined;

  constructor(status: number, message: string, code?: string | null) {
    super(message);
    this.status = status;
    this.code = code ?? undefined;
  }
}

/** A piece of an answer. */
export interface Piece {
  text: string;
  /** Of the working that comes before the answer. */
  reasoning: string;
  tokens: Token[];
  ending?: "stop" | "length" | "abort";
  usage?: { prompt_tokens: number; completion_tokens: number; prompt_tokens_details: { cached_tokens: number } };
}

/** What the server can do. Throws {@link ServerError}. */
export async function about(): Promise<About> {
  return (await call("v1/flashvl/about")).json();
}

/** Tries a key before it is kept. Throws {@link ServerError} 401 when the server does not take it. */
export async function checkKey(key: string): Promise<void> {
  await call("v1/models", { key });
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
  const response = await call("v1/chat/completions", { body, signal });
  for await (const data of eventData(response.body!)) {
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error) throw new ServerError(500, chunk.error.message, chunk.error.code);
    const [choice] = chunk.choices;
    yield {
      text: choice?.delta.content ?? "",
      reasoning: choice?.delta.reasoning_content ?? "",
      tokens: choice ? tokensOf(choice) : [],
      ending: choice?.finish_reason ?? undefined,
      usage: chunk.usage ?? undefined,
    };
  }
}

/** Where the model looked when it wrote a token: for each picture of the conversation one weight per cell, row by row. */
export interface Attention {
  /** What each map shows: a picture, its tiles put together, or the same picture whole, in small. */
  grids: { rows: number; columns: number; picture: number; thumbnail: boolean }[];
  maps: number[][];
}

/** Asks where the model looked. `turns` end with the question; `answer` is the answer to it, as token ids. */
export async function attention(turns: Turn[], system: string, answer: number[], token: number): Promise<Attention> {
  const messages: ApiMessage[] = await toMessages(turns, system, dataUrl);
  return (await call("v1/flashvl/attention", { body: { messages, answer, token } })).json();
}

interface Choice {
  delta: { content?: string | null; reasoning_content?: string | null };
  token_ids?: number[];
  logprobs?: { content: { token: string; bytes: number[]; logprob: number }[] } | null;
  finish_reason?: "stop" | "length" | "abort" | null;
}

/** The tokens of a piece. Those of the working come without scores: the first of them stands for the piece's text. */
function tokensOf({ delta, token_ids: ids = [], logprobs }: Choice): Token[] {
  const scores = logprobs?.content ?? [];
  if (scores.length > 0)
    return scores.map(({ token, bytes, logprob }, index) => ({ id: ids[index] ?? -1, text: token, bytes, logprob }));
  return ids.map((id, index) => ({ id, text: index === 0 ? (delta.reasoning_content ?? "") : "" }));
}

interface Chunk {
  choices: Choice[];
  usage?: Piece["usage"] | null;
  error?: { message: string; code?: string | null };
}

interface Call {
  body?: object;
  signal?: AbortSignal;
  key?: string;
}

async function call(path: string, { body, signal, key = apiKey.get() }: Call = {}): Promise<Response> {
  const response = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: { ...(body && { "content-type": "application/json" }), ...(key && { authorization: `Bearer ${key}` }) },
    body: body && JSON.stringify(body),
    signal,
  });
  if (response.ok) return response;
  const text = await response.text();
  let error: { message: string; code?: string | null } = { message: text.slice(0, 300) || response.statusText };
  try {
    error = (JSON.parse(text) as { error: typeof error }).error;
  } catch {
    // A proxy in between may answer with something else than the server's JSON.
  }
  throw new ServerError(response.status, error.message, error.code);
}
