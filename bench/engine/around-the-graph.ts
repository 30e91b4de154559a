/**
 * @file How much of a token, a prompt and a batch of answers is spent inside the graph, and how much around it:
 * `tsx bench/engine/around-the-graph.ts CHECKPOINT CACHE [preset] [answers]`; answers, as "1,16", are written at once.
 */

import type { Preset } from "../../src/compile/index.ts";
import { DecoderRunner, type DecoderStep } from "../../src/engine/run/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { throughput } from "./concurrent.ts";
import { median } from "./median.ts";
import { picture, question, withoutEnd } from "./workload.ts";

const TOKENS = 48;
const ROUNDS = 3;
const THREADS = 2;

const [checkpoint, cacheDir, preset = "auto", answers = "1,16"] = process.argv.slice(2);
const counts = answers.split(",").map(Number);

/** Every run of the decoder's graphs: rows of one token, and when it began and ended. */
const runs: { rows: number; began: number; ended: number }[] = [];
const { run } = DecoderRunner.prototype;
DecoderRunner.prototype.run = async function (this: DecoderRunner, step: DecoderStep) {
  const began = performance.now();
  const logits = await run.call(this, step);
  runs.push({ rows: step.slots.length * step.tokens, began, ended: performance.now() });
  return logits;
};

/** Medians over neighbouring runs of so many rows: within one, and from its end to the next one's beginning. */
function tokenTimes(rows: number): string {
  const steps = runs.filter((one) => one.rows === rows);
  const gaps = steps.slice(1).map((one, i) => one.began - steps[i]!.ended);
  const within = median(steps.map(({ began, ended }) => ended - began));
  return `${within.toFixed(1)} ms in the graph and ${median(gaps).toFixed(2)} ms around it (${steps.length} steps)`;
}

await using model = await FlashVL.fromPretrained(checkpoint, {
  preset: preset as Preset,
  cacheDir,
  threads: THREADS,
  maxBatch: Math.max(...counts),
  prefillChunk: 512,
});
const greedy = { maxNewTokens: TOKENS, ...withoutEnd(model) };

for (let round = 0; round <= ROUNDS; round++) {
  runs.length = 0;
  const { timings, usage } = await model.generate(picture(round), [question(round)], greedy);
  const prompt = runs[0]!.ended - runs[0]!.began;
  console.log(
    `${round === 0 ? "first answer after loading" : `answer ${round}`}: picture ${timings.imageMs.toFixed(0)} ms, ${usage.promptTokens} tokens of the prompt ${timings.prefillMs.toFixed(0)} ms (${prompt.toFixed(0)} in the graph), a token ${tokenTimes(1)}`,
  );
}
for (const count of counts) {
  runs.length = 0;
  const { together } = await throughput(model, count, greedy);
  console.log(`${count} at once: ${together.toFixed(1)} tokens/s, a step ${tokenTimes(count)}`);
}
