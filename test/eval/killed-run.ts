/** @file A run of our model for the test that kills it: `killed-run.ts DATA OUT MODEL CACHE ROWS` dies by SIGKILL when ROWS rows are recorded. */

import { evaluate, flashvlAnswerer, openBench } from "../../src/eval/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { DEFAULT_RULES } from "../../src/vlmeval/index.ts";

const [data, out, folder, cacheDir, rows] = process.argv.slice(2) as [string, string, string, string, string];
const model = await FlashVL.fromPretrained(folder, { cacheDir, threads: 1, maxBatch: 2 });
const answerer = flashvlAnswerer(model, { batch: 2, maxNewTokens: 12 });
const { bench, dataMd5 } = await openBench("Custom", { dataFolder: data, offline: true });
await evaluate(bench, answerer, {
  out,
  dataMd5,
  rules: DEFAULT_RULES,
  judge: null,
  // Called after each row; others are being answered meanwhile.
  onProgress: ({ done }) => done === Number(rows) && process.kill(process.pid, "SIGKILL"),
});
