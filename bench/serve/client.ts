/** @file One streaming request of the load tool, timed token by token. */

/** What one request came to. Times in milliseconds. */
export interface Sample {
  /** When it was sent, from the beginning of the load. */
  at: number;
  /** "ok", "cancelled" (by the client, as planned), an HTTP status, or the name of a network error. */
  outcome: string;
  firstToken?: number;
  /** Between neighbouring tokens. */
  gaps: number[];
  tokens: number;
  total: number;
}

/** A request to send. */
export interface Shot {
  url: string;
  key?: string;
  body: object;
  /** Leave after this many tokens. */
  cancelAfter?: number;
}

/**
 * Sends a request and reads its stream to the end, or leaves it where the shot says so. Never throws.
 *
 * @example const sample = await fire({ url: "http://127.0.0.1:8000", body }, 0);
 */
export async function fire({ url, key, body, cancelAfter }: Shot, at: number): Promise<Sample> {
  const controller = new AbortController();
  const begun = performance.now();
  const sample: Sample = { at, outcome: "ok", gaps: [], tokens: 0, total: 0 };
  let last = 0;
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
      signal: controller.signal,
    });
    if (!response.ok || !response.body) {
      sample.outcome = String(response.status);
      await response.text();
      return sample;
    }
    let rest = "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const blocks = (rest + next.value).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        if (block.startsWith('data: {"error"')) sample.outcome = "stream error";
        const usage = /"completion_tokens":(\d+)/.exec(block);
        if (usage) sample.tokens = Number(usage[1]);
        if (!/"delta":\{"content":"[^"]/.test(block)) continue;
        const now = performance.now();
        if (sample.firstToken === undefined) sample.firstToken = now - begun;
        else sample.gaps.push(now - last);
        last = now;
        sample.tokens += 1;
        if (sample.tokens === cancelAfter) {
          sample.outcome = "cancelled";
          controller.abort();
          return sample;
        }
      }
    }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    sample.outcome = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.name) : "error";
  } finally {
    sample.total = performance.now() - begun;
  }
  return sample;
}
