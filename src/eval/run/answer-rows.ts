/** @file The answering half of a run: every row that has no answer yet is asked, every answer recorded at once. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../common/node.ts";
import type { Answerer, AnswerRequest } from "../answer/answerer.ts";
import type { Bench, BenchRow } from "./bench.ts";
import { AnswerWriter, readAnswers, type Shard } from "./records.ts";

export interface AnswerProgress {
  done: number;
  /** Rows of this shard, undefined while unknown. */
  total: number | undefined;
  /** Mean of the verdicts by rules so far, in percent; null before the first. */
  runningScore: number | null;
  failed: number;
  /** Why the last of them failed. */
  lastFailure: string | null;
  /** Seconds, by the pace of this process; null before the first answer. */
  secondsLeft: number | null;
}

export interface AnswerRowsOptions {
  folder: string;
  shard?: Shard;
  /** Only the first rows of the set. */
  limit?: number;
  signal?: AbortSignal;
  onProgress?: (progress: AnswerProgress) => void;
}

export interface AnsweredRows {
  /** Of all rows in order, other shards' too. */
  keys: string[];
  /** Rows of this shard that have no answer because the answerer failed. */
  failed: number;
}

/** Asks every row that has no answer yet. @throws what the answerer or the signal throws */
export async function answerRows(bench: Bench, answerer: Answerer, options: AnswerRowsOptions): Promise<AnsweredRows> {
  const { folder, shard = { index: 0, count: 1 }, limit, signal, onProgress } = options;
  const known = readAnswers(folder);
  await makeFolder(folder);
  using writer = new AnswerWriter(folder, shard);
  const waiting = new Map<string, BenchRow>();
  const size = bench.size === undefined ? limit : Math.min(bench.size, limit ?? bench.size);
  const total = size === undefined ? undefined : Math.ceil(Math.max(0, size - shard.index) / shard.count);
  const started = performance.now();
  const keys: string[] = [];
  let [asked, done, failed, scored, sum] = [0, 0, 0, 0, 0];
  let lastFailure: string | null = null;
  const count = async (row: BenchRow, answer: string) => {
    const value = await row.quickScore(answer);
    if (value === null) return;
    scored++;
    sum += value;
  };
  const report = () => {
    const pace = asked === 0 ? null : (performance.now() - started) / 1000 / asked;
    const secondsLeft = pace === null || total === undefined ? null : pace * (total - done - failed);
    const runningScore = scored === 0 ? null : (100 * sum) / scored;
    onProgress?.({ done, total, runningScore, failed, lastFailure, secondsLeft });
  };
  async function* requests(): AsyncGenerator<AnswerRequest> {
    let place = 0;
    for await (const row of bench.rows()) {
      if (limit !== undefined && place >= limit) return;
      keys.push(row.key);
      if (place++ % shard.count !== shard.index) continue;
      signal?.throwIfAborted();
      const answer = known.get(row.key);
      if (answer !== undefined) {
        done++;
        await count(row, answer);
        continue;
      }
      const { images, messages } = await row.prompt();
      waiting.set(row.key, row);
      yield { key: row.key, images, messages };
    }
  }
  const times = join(folder, "times.jsonl");
  for await (const answer of answerer.answer(requests(), { signal })) {
    const row = waiting.get(answer.key)!;
    waiting.delete(answer.key);
    asked++;
    if (answer.error !== undefined) {
      failed++;
      lastFailure = answer.error;
      appendFileSync(join(folder, "errors.jsonl"), `${JSON.stringify({ key: answer.key, error: answer.error })}\n`);
    } else {
      writer.append(answer);
      const { key, milliseconds, completionTokens } = answer;
      appendFileSync(times, `${JSON.stringify({ key, milliseconds: Math.round(milliseconds), completionTokens })}\n`);
      done++;
      await count(row, answer.text);
    }
    report();
  }
  report();
  return { keys, failed };
}
