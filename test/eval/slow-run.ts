/** @file A run for the test that kills it: `slow-run.ts DATA OUT`, some milliseconds a row, three rows at once. */
import { setTimeout as sleep } from "node:timers/promises";
import { mapConcurrent } from "../../src/common/index.ts";
import { type Answerer, evaluate, openBench } from "../../src/eval/index.ts";
import { DEFAULT_RULES } from "../../src/vlmeval/index.ts";

const [data, out] = process.argv.slice(2) as [string, string];
const answerer: Answerer = {
  name: "slow",
  settings: {},
  answer: (requests) =>
    mapConcurrent(requests, 3, async ({ key }) => {
      await sleep(10 + (Number(key) % 5) * 4);
      return { key, text: Number(key) % 3 === 0 ? "A" : "It is B", milliseconds: 0 };
    }),
  close: async () => {},
};
const { bench, dataMd5, close } = await openBench("Custom", { dataFolder: data, offline: true });
await evaluate(bench, answerer, { out, dataMd5, rules: DEFAULT_RULES, judge: null });
close();
