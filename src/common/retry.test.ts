import { expect, it } from "vitest";
import { type Passing, retry, retryAfterMs } from "./retry.ts";

class Busy extends Error implements Passing {
  constructor(
    readonly waitMs?: number,
    readonly progressed = false,
  ) {
    super("busy");
  }
}
const passing = (error: unknown) => (error instanceof Busy ? error : undefined);

/** Runs through `failures`, then succeeds; says how long each wait was. */
async function run(failures: readonly Error[], tries = 4, signal?: AbortSignal) {
  const waits: number[] = [];
  const sleep = async (ms: number) => void waits.push(ms);
  const left = [...failures];
  const attempt = async () => {
    const failure = left.shift();
    if (failure) throw failure;
    return "done";
  };
  const options = { tries, firstWaitMs: 100, longestWaitMs: 300, random: () => 1, sleep, signal };
  const result = await retry(attempt, passing, options).catch((error: Error) => error);
  return { result, waits, left: left.length };
}

it("waits double up to a limit, and what the other side asks for goes first", async () => {
  expect(await run([new Busy(), new Busy(), new Busy()])).toEqual({ result: "done", waits: [100, 200, 300], left: 0 });
  expect((await run([new Busy(42), new Busy(9_000)])).waits).toEqual([42, 300]);
});

it("the last of so many failures in a row is thrown; progress begins the count anew", async () => {
  expect(await run([1, 2, 3, 4, 5].map(() => new Busy()))).toMatchObject({ result: { message: "busy" }, left: 1 });
  const slow = Array.from({ length: 9 }, () => new Busy(undefined, true));
  expect(await run(slow)).toEqual({ result: "done", waits: slow.map(() => 100), left: 0 });
});

it("what will not pass is thrown at once, and so is the reason of a signal", async () => {
  expect(await run([new Error("no"), new Busy()])).toMatchObject({ result: { message: "no" }, waits: [], left: 1 });
  const stop = AbortSignal.abort(new Error("enough"));
  expect(await run([new Busy()], 4, stop)).toMatchObject({ result: { message: "enough" }, left: 1 });
});

it("a wait ends with the signal", async () => {
  const stop = new AbortController();
  const attempt = async () => {
    setImmediate(() => stop.abort(new Error("enough")));
    throw new Busy(1e9);
  };
  const options = { tries: 2, firstWaitMs: 1, longestWaitMs: 1e9, signal: stop.signal };
  await expect(retry(attempt, passing, options)).rejects.toThrow("enough");
});

it("Retry-After is read in seconds and as a date", () => {
  expect(retryAfterMs("3")).toBe(3_000);
  expect(retryAfterMs(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(57_000);
  expect(retryAfterMs("Thu, 01 Jan 1970 00:00:00 GMT")).toBe(0);
  expect([retryAfterMs(null), retryAfterMs("soon")]).toEqual([undefined, undefined]);
});
