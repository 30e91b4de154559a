// Server-sent events: pings in silence, order, and what a reader that stalls costs.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ApiError } from "./errors.ts";
import { PING_INTERVAL_MS } from "./limits.ts";
import { type SseEvent, sseResponse } from "./sse.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A response whose events are pushed by the test. */
function pushed(stallSeconds = 30) {
  const waiting: SseEvent[] = [];
  let wake = () => {};
  let over = false;
  const gone: ApiError[] = [];
  async function* events() {
    for (;;) {
      while (waiting.length > 0) yield waiting.shift()!;
      if (over) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  const response = sseResponse(events(), { stallSeconds, onGone: (reason) => gone.push(reason) });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  return {
    gone,
    read: async () => (await reader.read()).value,
    reader,
    push(data: string) {
      waiting.push({ data });
      wake();
    },
    end() {
      over = true;
      wake();
    },
  };
}

test("events arrive in order and the stream ends with them", async () => {
  const { push, end, read } = pushed();
  push("1");
  push("2");
  expect([await read(), await read()]).toEqual(["data: 1\n\n", "data: 2\n\n"]);
  end();
  expect(await read()).toBeUndefined();
});

test("a quiet stream is kept alive by comments", async () => {
  const { read, end, gone } = pushed();
  const first = read();
  await vi.advanceTimersByTimeAsync(PING_INTERVAL_MS);
  expect(await first).toBe(": ping\n\n");
  end();
  expect(gone).toEqual([]);
});

test("a reader that stalls is given up after its time, one that reads slowly is not", async () => {
  const slow = pushed(10);
  for (let index = 0; index < 5; index += 1) {
    slow.push("x");
    slow.push("x");
    await vi.advanceTimersByTimeAsync(8_000);
    await slow.read();
  }
  expect(slow.gone).toEqual([]);
  await vi.advanceTimersByTimeAsync(13_000);
  expect(slow.gone.map(({ code }) => code)).toEqual(["client_stalled"]);
});

test("more than 4 MiB unread is too much, at once", async () => {
  const { push, gone } = pushed();
  for (let index = 0; index < 6; index += 1) push("x".repeat(2 ** 20));
  await vi.advanceTimersByTimeAsync(0);
  expect(gone).toHaveLength(1);
});

test("a reader that leaves is told once", async () => {
  const { push, reader, gone, end } = pushed();
  push("1");
  await reader.cancel();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(gone).toHaveLength(1);
  end();
});
