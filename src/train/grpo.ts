/** @file Group relative policy optimisation: a flat loop from prompts over sampled answers to updated weights. */

import { availableKernels, FlashVL, NoTokenError } from "../engine/index.ts";
import { openCheckpoint } from "../hub/index.ts";
import { parseConfig } from "../model/index.ts";
import { readPreprocessorConfig } from "../processor/index.ts";
import type { Task } from "../tasks/index.ts";
import { accumulate } from "./accumulate.ts";
import { combineRewards } from "./advantages.ts";
import { completionSequences } from "./data/completions.ts";
import { createGrpoStep, type GrpoMeasures, pictureInput } from "./grpo-step.ts";
import { judge, mean, rewardMetrics, std } from "./judge.ts";
import { Optimizer } from "./optim/optimizer.ts";
import { loadParameters } from "./parameter-store.ts";
import { type GrpoRecipe, resolvedSchedule } from "./recipe.ts";
import { loadRewards, type NamedReward, scoreAll } from "./rewards.ts";
import { type Group, rollout } from "./rollout.ts";
import { openRunFolder } from "./run/run-folder.ts";
import { checkpointsOf, loadTrainingState, newestCheckpoint, saveCheckpoint } from "./run/training-state.ts";

export interface GrpoOptions<Row> {
  readonly run: string;
  readonly task: Task<Row>;
  /** Training rows from number `start` on, always the same; undefined where one is left out. */
  rows(start: number): AsyncIterable<Row | undefined>;
  /** Rows that are never trained on; asked greedily. */
  readonly heldOut?: readonly Row[];
  readonly signal?: AbortSignal;
  readonly print?: (line: string) => void;
}

/** Greedy answers to held-out rows: the share that is right, and their mean reward. */
async function evaluate<Row>(
  model: FlashVL,
  task: Task<Row>,
  rows: readonly Row[],
  rewards: readonly NamedReward<Row>[],
  maxTokens: number,
): Promise<{ eval_accuracy: number; eval_reward: number }> {
  const requests = rows.map((row) => {
    const { images, messages } = task.prompt(row);
    return { image: images, messages, options: { maxNewTokens: maxTokens } };
  });
  const results = await model.generateMany(requests);
  const paid: number[] = [];
  for (const [i, { text, tokens }] of results.entries()) {
    const scores = await scoreAll(rewards, { task, row: rows[i]!, text, tokens, maxTokens });
    const reward = combineRewards(
      scores,
      rewards.map((r) => r.weight),
    );
    if (reward !== null) paid.push(reward);
  }
  return {
    eval_accuracy: mean(results.map(({ text }, i) => Number(task.score(rows[i]!, text).correct))),
    eval_reward: mean(paid),
  };
}

/** Means over the updates of one generation batch; of differences the largest. */
function meanMeasures(all: readonly GrpoMeasures[]): GrpoMeasures {
  const of = (key: keyof GrpoMeasures) => mean(all.map((m) => m[key]));
  return {
    loss: of("loss"),
    entropy: of("entropy"),
    kl: of("kl"),
    clip_low: of("clip_low"),
    clip_high: of("clip_high"),
    sampling_difference: Math.max(...all.map((m) => m.sampling_difference)),
  };
}

/**
 * Trains by a recipe; a killed run goes on from its newest checkpoint with the same results as if it had not been killed.
 * Answers come from the engine over the very arrays that the optimiser updates: nothing is copied or compiled per step.
 * @returns the last checkpoint's folder
 * @throws NotFiniteError naming tensor and step; the last good checkpoint stays
 */
export async function trainGrpo<Row>(recipe: GrpoRecipe, options: GrpoOptions<Row>): Promise<string> {
  const checkpoint = await openCheckpoint(recipe.model);
  const config = parseConfig(checkpoint.config);
  const store = await loadParameters(config, checkpoint);
  const preprocessor = readPreprocessorConfig(await checkpoint.readJson("preprocessor_config.json"));
  await checkpoint.close();
  const reference = recipe.beta > 0 ? await copyOf(recipe.model) : undefined;
  const parts = new Set<string>(recipe.train);
  const trained = store.parameters.filter((p) => parts.has(p.part)).map((p) => p.name);
  const optimizer = new Optimizer(store, trained, {
    ...recipe.optimizer,
    schedule: resolvedSchedule(recipe),
    threads: recipe.threads,
  });
  const rewards = await loadRewards<Row>(recipe.rewards);

  // ---- resume
  const checkpoints = checkpointsOf(options.run, recipe);
  let last = await newestCheckpoint(checkpoints.folder);
  let cursor = last ? (await loadTrainingState(last, store, optimizer)).cursor : 0;
  const folder = await openRunFolder(options.run, recipe, optimizer.step, options.print ?? (() => {}));
  const save = () => saveCheckpoint(checkpoints, store, optimizer, { step: optimizer.step, cursor, random: [] });

  // ---- the policy twice over the same arrays: as an engine that answers, as graphs that learn
  const engine = await FlashVL.fromPretrained(recipe.model, {
    weights: store.tensors,
    kernels: availableKernels(),
    maxBatch: recipe.rollout.batch ?? recipe.groupSize,
    threads: recipe.threads,
    maxContext: Math.min(config.decoder.maxPositions, recipe.batch.length),
  });
  const step = await createGrpoStep(config, store, reference, trained, recipe);
  const accumulated = accumulate(step.gradients, Number.POSITIVE_INFINITY);
  const rows = options.rows(cursor)[Symbol.asyncIterator]();

  /** Waits for answers to step `step`; where the weights are such that none can be drawn, the error says so. */
  const drawn = <T>(answers: Promise<T>, at: number): Promise<T> =>
    answers.catch((error) => {
      throw error instanceof NoTokenError ? optimizer.logitsError(at, error) : error;
    });

  /** Takes the next prompts and answers them; groups that teach nothing are replaced while tries last. */
  const sample = async (): Promise<Group<Row>[]> => {
    const kept: Group<Row>[] = [];
    for (let tries = 0; kept.length < recipe.promptsPerStep && tries <= recipe.resampleTries; tries++) {
      const wanted: Row[] = [];
      const seed = (recipe.seed * 1_000_003 + cursor) % 2 ** 32;
      while (wanted.length < recipe.promptsPerStep - kept.length) {
        const { done, value } = await rows.next();
        if (done) break;
        cursor++;
        if (value !== undefined) wanted.push(value);
      }
      const sampled = await rollout(engine, options.task, wanted, rewards, preprocessor, {
        ...recipe.rollout,
        groupSize: recipe.groupSize,
        pictures: pictureInput(recipe),
        seed,
      });
      const lastTry = tries === recipe.resampleTries;
      kept.push(...sampled.filter((g) => lastTry || std(g.answers.map((a) => a.reward ?? 0)) > 0));
    }
    return kept;
  };

  // ---- the loop
  try {
    while (optimizer.step < recipe.steps && !options.signal?.aborted) {
      const started = performance.now();
      const judged = judge(await drawn(sample(), optimizer.step + 1), recipe);
      if (judged.length === 0) break;
      const rolledOut = performance.now();
      const all = judged.flatMap((j) => j.answers);
      const share = Math.ceil(judged.length / recipe.updatesPerRollout);
      const updates = Array.from({ length: recipe.reuse }, () =>
        Array.from({ length: Math.ceil(judged.length / share) }, (_, u) => judged.slice(u * share, (u + 1) * share)),
      ).flat();
      const sequencesOf = (part: typeof judged) =>
        part.flatMap((j) => completionSequences(j.group, j.answers, recipe.batch));
      await step.remember(sequencesOf(judged));
      const measures: GrpoMeasures[] = [];
      let updated = { norm: 0, learningRate: 0 };
      for (const part of updates) {
        const measured = await step.run(
          sequencesOf(part),
          part.flatMap((j) => j.answers),
          { answers: all, updates: updates.length / recipe.reuse },
          accumulated,
        );
        measures.push(measured);
        optimizer.checkLoss(measured.loss, accumulated.gradients);
        updated = await optimizer.update(accumulated.gradients);
      }
      await engine.updateWeights();
      for (const { group, answers } of judged)
        for (const { text, rewards: each, reward, advantage } of answers)
          folder.record("completions.jsonl", {
            step: optimizer.step,
            prompt: promptText(options.task, group.row),
            answer: text,
            rewards: Object.fromEntries(rewards.map(({ name }, k) => [name, each[k]!])),
            reward,
            advantage,
          });
      const evaluated =
        options.heldOut?.length &&
        (optimizer.step % recipe.evalEvery < updates.length || optimizer.step >= recipe.steps) &&
        (await drawn(
          evaluate(engine, options.task, options.heldOut, rewards, recipe.rollout.maxNewTokens),
          optimizer.step,
        ));
      const names = rewards.map((r) => r.name);
      const { kl, ...measured } = meanMeasures(measures);
      folder.log(optimizer.step, {
        ...measured,
        ...(reference ? { kl } : {}),
        grad_norm: updated.norm,
        learning_rate: updated.learningRate,
        ...rewardMetrics(all, names, recipe.groupSize),
        ...(evaluated || {}),
        prompts: cursor,
        rollout_ms: rolledOut - started,
        step_ms: performance.now() - started,
      });
      if (optimizer.step % recipe.saveEvery < updates.length) last = await save();
    }
    if (last === undefined || !last.endsWith(String(optimizer.step).padStart(7, "0"))) last = await save();
  } finally {
    await rows.return?.();
    await engine.dispose();
    await step.dispose();
    await optimizer.dispose();
  }
  return last;
}

/** The reference policy: the weights that the run starts from, frozen. */
async function copyOf(model: string) {
  const checkpoint = await openCheckpoint(model);
  try {
    return await loadParameters(parseConfig(checkpoint.config), checkpoint);
  } finally {
    await checkpoint.close();
  }
}

function promptText<Row>(task: Task<Row>, row: Row): string {
  const content = task.prompt(row).messages.at(-1)?.content ?? "";
  return typeof content === "string"
    ? content
    : content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
