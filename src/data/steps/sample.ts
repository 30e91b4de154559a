/** @file Answers sampled by a model and scored: the best becomes the row's, or the best and the worst a preference pair. */

import { deriveSeed } from "../../common/index.ts";
import type { ManyRequest } from "../../engine/index.ts";
import { FlashVL } from "../../node/index.ts";
import {
  combineRewards,
  loadRewards,
  type NamedReward,
  type PromptRow,
  promptOf,
  promptTask,
  scoreAll,
} from "../../train/index.ts";
import { DataError } from "../data-error.ts";
import { numberedRows, type Workshop } from "../measure/read-rows.ts";
import type { Relation } from "../relation.ts";
import { AnswersFile, type SampledAnswer, type SampledRow } from "./answers-file.ts";
import type { SampleStep } from "./keys.ts";
import type { Made } from "./made.ts";
import { rowOf } from "./with-answers.ts";

interface Asked {
  readonly row: number;
  readonly prompt: PromptRow;
}

async function score(
  rewards: readonly NamedReward<PromptRow>[],
  { prompt }: Asked,
  { text, tokens, finishReason }: Awaited<ReturnType<FlashVL["rolloutMany"]>>[number]["answers"][number],
  maxTokens: number,
): Promise<SampledAnswer> {
  const scores = await scoreAll(rewards, { task: promptTask, row: prompt, text, tokens, maxTokens });
  const reward = combineRewards(
    scores,
    rewards.map(({ weight }) => weight),
  );
  return { text, reward, truncated: finishReason === "length" };
}

/** Answers to some rows; where one cannot be asked, the others are asked without it. */
async function ask(
  model: FlashVL,
  rewards: readonly NamedReward<PromptRow>[],
  rows: readonly Asked[],
  step: SampleStep,
): Promise<SampledRow[]> {
  const { n, temperature, maxNewTokens, seed } = step;
  const requests = rows.map(({ row, prompt }): ManyRequest => {
    const options = { doSample: true, temperature, topP: 1, maxNewTokens, seed: deriveSeed(seed, row) };
    return { image: null, messages: prompt.messages, options };
  });
  let groups: Awaited<ReturnType<FlashVL["rolloutMany"]>>;
  try {
    groups = await model.rolloutMany(requests, n);
  } catch (error) {
    if (rows.length === 1) return [{ row: rows[0]!.row, answers: [], fault: (error as Error).message }];
    const alone: SampledRow[] = [];
    for (const one of rows) alone.push(...(await ask(model, rewards, [one], step)));
    return alone;
  }
  return Promise.all(
    rows.map(async (asked, i) => ({
      row: asked.row,
      answers: await Promise.all(groups[i]!.answers.map((answer) => score(rewards, asked, answer, maxNewTokens))),
    })),
  );
}

/**
 * Samples answers to the rows, as many at a time as the step says, by one engine.
 * @param answersPath file of the answers, which a later run goes on from
 * @param identity of all that answers depend on
 */
export async function sampleRows(
  workshop: Workshop,
  relation: Relation,
  step: SampleStep,
  { answersPath, identity }: { readonly answersPath: string; readonly identity: string },
): Promise<Made> {
  const { database, settings, signal, print } = workshop;
  if (relation.format !== "jsonl")
    throw new DataError("sample reads JSON Lines; found Parquet, whose pictures stand in the rows.");
  const name = settings.model;
  if (!name) throw new DataError("sample needs `model` in the pipeline: who answers.");
  const rewards = await loadRewards<PromptRow>(step.rewards);
  const file = await AnswersFile.open(answersPath, identity);
  if (file.known.size > 0) print(`${file.known.size} rows are answered already`);
  const judged = rewards.some(({ name: reward }) => reward.startsWith("accuracy"));
  let model: FlashVL | undefined;
  let waiting: Asked[] = [];
  const flush = async () => {
    if (waiting.length === 0) return;
    model ??= await FlashVL.fromPretrained(name, { maxBatch: step.batch, threads: settings.threads });
    file.add(await ask(model, rewards, waiting, step));
    waiting = [];
  };
  // Several batches in a row, so that no place stays empty while the last answer of a batch is written.
  const together = Math.max(1, Math.ceil((4 * step.batch) / step.n));
  try {
    for await (const batch of numberedRows(workshop, relation))
      for (const [row, line] of batch) {
        signal?.throwIfAborted();
        if (file.known.has(row)) continue;
        try {
          const prompt = await promptOf(JSON.parse(line as string), { folder: settings.images, ...settings });
          if (judged && prompt.answer === undefined) throw new Error("The row has no reference answer.");
          waiting.push({ row, prompt });
        } catch (error) {
          file.add([{ row, answers: [], fault: (error as Error).message }]);
        }
        if (waiting.length >= together) await flush();
      }
    await flush();
  } finally {
    await model?.dispose();
  }
  const written = await database.createTable("sampled", { _row: "UINTEGER", _line: "VARCHAR" });
  const counts = { answers: 0, right: 0, faults: 0 };
  for await (const batch of numberedRows(workshop, relation))
    for (const [row, line] of batch) {
      const { answers, fault } = file.known.get(row)!;
      counts.answers += answers.length;
      counts.right += answers.filter(({ reward }) => reward !== null && reward >= step.least).length;
      if (fault !== undefined) counts.faults++;
      const made = rowOf(JSON.parse(line as string), answers, step);
      if (made) written.write([row, JSON.stringify(made)]);
    }
  written.close();
  return { selection: { format: "jsonl", sql: "SELECT _row, _line FROM sampled", order: "_row" }, details: counts };
}
