/** @file Many requests: in order, a bounded number at a time, one signal for all. */
import { expect, it } from "vitest";
import { runPool } from "./pool.ts";

it("gives results in order, with no more under way than asked for", async () => {
  let [running, most] = [0, 0];
  const results = await runPool(20, 3, undefined, async (i) => {
    most = Math.max(most, ++running);
    for (let turn = 0; turn < 1 + (i % 4); turn++) await Promise.resolve();
    running--;
    return i;
  });
  expect(results).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(most).toBe(3);
});

it("aborts the others when one fails, and fails as it did", async () => {
  const signals: AbortSignal[] = [];
  const failing = runPool(4, 4, undefined, async (i, signal) => {
    signals.push(signal);
    if (i === 2) throw new Error("the third");
  });
  await expect(failing).rejects.toThrow("the third");
  expect(signals.map(({ reason }) => (reason as Error).message)).toEqual(Array(4).fill("the third"));
});

it("lets any number of requests listen under one signal without Node's warning of a leak", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on("warning", note);
  const outer = new AbortController();
  const stopped: number[] = [];
  for (const signal of [undefined, outer.signal]) {
    const running = runPool(20, 20, signal, async (i, own) => {
      own.addEventListener("abort", () => stopped.push(i));
      await new Promise((resolve) => setImmediate(resolve));
    });
    await running;
  }
  outer.abort();
  process.off("warning", note);
  expect(warnings.map(({ name }) => name)).not.toContain("MaxListenersExceededWarning");
  expect(stopped).toEqual([...Array(20).keys()]);
});
