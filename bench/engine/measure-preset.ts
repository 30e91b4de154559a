/** @file Times one preset as a user meets it, in a process of its own: `tsx measure-preset.ts OPTIONS_JSON`; one line of JSON. */
import { readFileSync } from "node:fs";
import type { Preset } from "../../src/compile/index.ts";
import type { GenerateOptions } from "../../src/engine/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import type { Message, RgbImage } from "../../src/processor/index.ts";
import { throughput } from "./concurrent.ts";
import { median } from "./median.ts";
import { type MemoryReader, openMemoryReader } from "./memory-bandwidth.ts";
import { picture, question, withoutEnd } from "./workload.ts";

export interface MeasureOptions {
  checkpoint: string;
  cacheDir: string;
  preset: Preset;
  threads: number;
  rounds: number;
  newTokens: number;
  /** Numbers of requests that are answered together. */
  concurrent: number[];
}

/** Milliseconds of every round; of every round tokens per second, by number of concurrent requests. */
export interface PresetTimes {
  readyS: number;
  /** First token of the first answer after `readyS`, with a picture: weights are read for the first time. In no median. */
  coldTtftMs: number;
  towerMs: number[];
  prefillMs: number[];
  ttftMs: number[];
  tokenMs: number[];
  secondTurnMs: number[];
  tokensPerSecond: Record<number, number[]>;
  /** The same with the time that reading the prompts takes. */
  overallPerSecond: Record<number, number[]>;
  /** Of each round: how fast memory was read right after its answer, and the median of that answer's tokens. */
  reads: { bytesPerSecond: number; tokenMs: number }[];
  /** A text that is in the prompt, said again: without drafts and with them. */
  copyMs: number[];
  copyDraftedMs: number[];
  /** Both said the same. */
  copySame: boolean;
  residentBytes: number;
  peakBytes: number;
}

/** Passes over memory after each answer: the fastest counts. */
const READS = 3;
/** Resident memory once the weights have been read: mapped files count. */
const resident = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024 ||
  process.memoryUsage.rss();

/** An answer, and the time from each of its tokens to the next, as the peers' tokens are timed. */
async function answer(model: FlashVL, image: RgbImage, messages: Message[], options: GenerateOptions) {
  const at: number[] = [];
  for await (const part of model.stream(image, messages, options)) {
    if (!part.done) at.push(performance.now());
    else return { ...part.result, tokenMs: at.slice(1).map((time, i) => time - at[i]!) };
  }
  throw new Error("the answer has no end");
}

async function measure(options: MeasureOptions): Promise<PresetTimes> {
  const { checkpoint, cacheDir, preset, threads, rounds, newTokens, concurrent } = options;
  const began = performance.now();
  const maxBatch = Math.max(...concurrent);
  await using model = await FlashVL.fromPretrained(checkpoint, {
    preset,
    cacheDir,
    threads,
    maxBatch,
    prefillChunk: 512,
  });
  const times: PresetTimes = {
    readyS: (performance.now() - began) / 1000,
    coldTtftMs: 0,
    ...{ towerMs: [], prefillMs: [], ttftMs: [], tokenMs: [], secondTurnMs: [], copyMs: [], copyDraftedMs: [] },
    ...{ tokensPerSecond: {}, overallPerSecond: {}, reads: [], copySame: true, residentBytes: 0, peakBytes: 0 },
  };
  const greedy = { maxNewTokens: newTokens, ...withoutEnd(model) };
  let reader: MemoryReader | undefined;
  // Round 0 warms up, as the peers' does; it is told apart.
  for (let round = 0; round <= rounds; round++) {
    const image = picture(round);
    const asked = question(round);
    const first = await answer(model, image, [asked], greedy);
    if (round === 0) {
      times.coldTtftMs = first.timings.timeToFirstTokenMs;
      // All weights have been read now, and the reader's own memory is not there yet.
      times.residentBytes = resident();
      reader = await openMemoryReader(threads);
      continue;
    }
    times.towerMs.push(first.timings.imageMs);
    times.prefillMs.push(first.timings.prefillMs);
    times.ttftMs.push(first.timings.timeToFirstTokenMs);
    times.tokenMs.push(...first.tokenMs);
    times.reads.push({ bytesPerSecond: await reader!.read(READS), tokenMs: median(first.tokenMs) });
    const said = { role: "assistant" as const, content: first.text };
    const more = { role: "user" as const, content: "And what stands in front of it?" };
    const second = await model.generate(image, [asked, said, more], { ...greedy, maxNewTokens: 2 });
    times.secondTurnMs.push(second.timings.timeToFirstTokenMs);
  }
  await reader?.dispose();
  // Round 0 warms up here too: what handles many answers at once has not run yet.
  for (let round = 0; round <= rounds; round++)
    for (const count of concurrent) {
      const { together, overall } = await throughput(model, count, greedy);
      if (round === 0) continue;
      times.tokensPerSecond[count] = [...(times.tokensPerSecond[count] ?? []), together];
      times.overallPerSecond[count] = [...(times.overallPerSecond[count] ?? []), overall];
    }
  const list = Array.from(
    { length: 12 },
    (_, i) => `${i + 1}. Market stall ${(i * 37) % 23}, open from ${6 + (i % 5)}.`,
  );
  const text = list.join("\n");
  const ids = model.tokenizer.encode(text);
  // Random weights would copy nothing. What they compute stays the same; only the choice is moved to the text.
  const copy = {
    maxNewTokens: ids.length,
    logitsProcessor: (logits: Float32Array, generated: readonly number[]) => {
      logits[ids[generated.length]!]! += 1e4;
    },
  };
  const ask = [{ role: "user" as const, content: `Repeat this list:\n${text}` }];
  for (let round = 0; round < rounds; round++) {
    const plain = await model.generate(null, ask, copy);
    const drafted = await model.generate(null, ask, { ...copy, promptLookup: true });
    times.copyMs.push(plain.timings.decodeMs);
    times.copyDraftedMs.push(drafted.timings.decodeMs);
    times.copySame &&= drafted.tokens.join() === plain.tokens.join();
  }
  times.peakBytes = process.resourceUsage().maxRSS * 1024;
  return times;
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as MeasureOptions)));
