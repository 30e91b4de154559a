/** @file POST of JSON with retries: network failures, 408, 429 and 5xx wait and try again; other answers are final. */
import { setTimeout as sleep } from "node:timers/promises";

export interface RetryPolicy {
  /** Further tries after the first. */
  retries: number;
  /** Wait before the first retry; doubles each time. */
  firstDelayMs: number;
  /** One try may take this long. */
  timeoutMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { retries: 5, firstDelayMs: 500, timeoutMs: 600_000 };
/** No server asks for longer; a day's quota is not waited for. */
const LONGEST_DELAY_MS = 60_000;
/** What an error body may add to a message. */
const BODY_EXCERPT = 300;

/** An endpoint's final refusal. */
export class EndpointError extends Error {
  constructor(
    message: string,
    readonly status: number | null,
  ) {
    super(message);
    this.name = "EndpointError";
  }
}

/** "fetch failed" says nothing; its cause does. */
function withCause({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message || (cause as NodeJS.ErrnoException).code}` : message;
}

/**
 * @returns the reply's JSON
 * @throws EndpointError when the last try failed or the endpoint refused; the signal's reason when aborted
 * @example await postJson("http://127.0.0.1:8000/v1/chat/completions", { model: "m", messages }, { apiKey })
 */
export async function postJson(
  url: string,
  body: unknown,
  options: { apiKey?: string; policy?: RetryPolicy; signal?: AbortSignal } = {},
): Promise<unknown> {
  const { apiKey, policy = DEFAULT_RETRY, signal } = options;
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (apiKey) headers.authorization = `Bearer ${apiKey}`;
  const text = JSON.stringify(body);
  let failure = new EndpointError(`${url}: no try was made`, null);
  for (let attempt = 0; attempt <= policy.retries; attempt++) {
    signal?.throwIfAborted();
    let wait = Math.min(LONGEST_DELAY_MS, policy.firstDelayMs * 2 ** attempt);
    try {
      const limit = AbortSignal.timeout(policy.timeoutMs);
      const both = signal ? AbortSignal.any([signal, limit]) : limit;
      const response = await fetch(url, { method: "POST", headers, body: text, signal: both });
      if (response.ok) return await response.json();
      const detail = (await response.text()).slice(0, BODY_EXCERPT);
      failure = new EndpointError(`${url} answered ${response.status}: ${detail}`, response.status);
      const { status } = response;
      if (status !== 408 && status !== 429 && status < 500) throw failure;
      const asked = Number(response.headers.get("retry-after"));
      if (asked > 0) wait = Math.min(LONGEST_DELAY_MS, asked * 1000);
    } catch (error) {
      signal?.throwIfAborted();
      if (error === failure) throw error;
      failure = new EndpointError(`${url}: ${withCause(error as Error)}`, null);
    }
    if (attempt < policy.retries) await sleep(wait, undefined, { signal });
  }
  throw failure;
}
