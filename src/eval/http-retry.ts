/** @file POST of JSON with retries: network failures, 408, 429 and 5xx wait and try again; other answers are final. */
import { retry } from "../common/index.ts";

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
    /** How long to wait before the next try; undefined for a refusal that stays. */
    readonly waitMs?: number,
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
 * Milliseconds to wait before the next try: what the server asks for in seconds, else twice as long each time.
 * @param retryAfter the header's value, or null
 * @example retryDelay(2, DEFAULT_RETRY, null) // 2000
 */
export function retryDelay(attempt: number, { firstDelayMs }: RetryPolicy, retryAfter: string | null): number {
  const asked = Number(retryAfter);
  return Math.min(LONGEST_DELAY_MS, asked > 0 ? asked * 1000 : firstDelayMs * 2 ** attempt);
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
  let attempt = 0;
  const post = async (): Promise<unknown> => {
    const wait = (retryAfter: string | null) => retryDelay(attempt++, policy, retryAfter);
    try {
      const limit = AbortSignal.timeout(policy.timeoutMs);
      const both = signal ? AbortSignal.any([signal, limit]) : limit;
      const response = await fetch(url, { method: "POST", headers, body: text, signal: both });
      if (response.ok) return await response.json();
      const detail = (await response.text()).slice(0, BODY_EXCERPT);
      const { status } = response;
      const busy = status === 408 || status === 429 || status >= 500;
      throw new EndpointError(
        `${url} answered ${status}: ${detail}`,
        status,
        busy ? wait(response.headers.get("retry-after")) : undefined,
      );
    } catch (error) {
      if (error instanceof EndpointError) throw error;
      throw new EndpointError(`${url}: ${withCause(error as Error)}`, null, wait(null));
    }
  };
  return retry(post, (error) => (error instanceof EndpointError && error.waitMs !== undefined ? error : undefined), {
    tries: policy.retries + 1,
    firstWaitMs: policy.firstDelayMs,
    longestWaitMs: LONGEST_DELAY_MS,
    signal,
  });
}
