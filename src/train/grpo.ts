/** @file Group relative policy optimisation: a flat loop from prompts over sampled answers to updated weights. */

import { FlashVL } from "../engine/index.ts";
import { openCheckpoint } from "../hub/index.ts";
import { parseConfig } from "../model/index.ts";
import { readPreprocessorConfig } from "../processor/index.ts";
import type { Task } from "../tasks/index.ts";
import { accumulate } from "./accumulate.ts";
import { advantages, type Reward, zeroVarianceShare } from "./advantages.ts";
import { completionSequences } from "./data/completions.ts";
import { createGrpoStep } from "./grpo-step.ts";
import { Optimizer } from "./optim/optimizer.ts";
import { loadParameters } from "./parameter-store.ts";
import { type GrpoRecipe, resolvedSchedule } from "./recipe.ts";
import { loadRewards } from "./rewards.ts";
import { type Answer, type Group, rollout } from "./rollout.ts";
import { openRunFolder } from "./run/run-folder.ts";
import { checkpointsOf, loadTrainingState, newestCheckpoint, saveCheckpoint } from "./run/training-state.ts";

export interface GrpoOptions<Row> {
  readonly run: string;
  readonly task: Task<Row>;
  /** Training rows from number `start` on, always the same. */
  rows(start: number): AsyncIterable<Row>;
  /** Rows that are never trained on; asked greedily. */
  readonly heldOut?: readonly Row[];
  readonly signal?: AbortSignal;
  readonly print?: (line: string) => void;
}

/** An answer with what the update needs to know. */
export interface JudgedAnswer extends Answer {
  readonly advantage: number;
  /** False for truncated answers where those are masked. */
  readonly counts: boolean;
}

const mean = (xs: readonly number[]): number => (xs.length ? xs.reduce((a, b) => a + b, 0) / xs.length : 0);
const std = (xs: readonly number[]): number => {
  const m = mean(xs);
  return xs.length > 1 ? Math.sqrt(xs.reduce((s, x) => s + (x - m) ** 2, 0) / (xs.length - 1)) : 0;
};

/** Share of held-out rows that greedy answers get right. */
async function accuracyOf<Row>(
  model: FlashVL,
  task: Task<Row>,
  rows: readonly Row[],
  maxNewTokens: number,
): Promise<number> {
  const requests = rows.map((row) => {
    const { images, messages } = task.prompt(row);
    return { image: images, messages, options: { maxNewTokens } };
  });
  const results = await model.generateMany(requests);
  return mean(results.map(({ text }, i) => Number(task.score(rows[i]!, text).correct)));
}

/** Advantages and masks for the answers of all groups. */
function judge<Row>(
  groups: readonly Group<Row>[],
  recipe: GrpoRecipe,
): { group: Group<Row>; answers: JudgedAnswer[] }[] {
  const rewards = groups.flatMap((g) => g.answers.map((a) => a.reward));
  const values = advantages(rewards, recipe.groupSize, recipe.scaleRewards);
  return groups.map((group, g) => ({
    group,
    answers: group.answers.map((answer, i) => ({
      ...answer,
      advantage: values[g * recipe.groupSize + i]!,
      counts: !(recipe.maskTruncated && answer.truncated),
    })),
  }));
}

function rewardMetrics(answers: readonly JudgedAnswer[], names: readonly string[], groupSize: number) {
  const rewards: Reward[] = answers.map((a) => a.reward);
  const lengths = answers.map((a) => a.tokens.length);
  const known = rewards.filter((r): r is number => r !== null);
  return {
    reward: mean(known),
    reward_std: std(known),
    frac_reward_zero_std: zeroVarianceShare(rewards, groupSize),
    ...Object.fromEntries(
      names.map((name, k) => [
        `rewards/${name}/mean`,
        mean(answers.flatMap((a) => (a.rewards[k] === null ? [] : [a.rewards[k]!]))),
      ]),
    ),
    "completions/mean_length": mean(lengths),
    "completions/max_length": Math.max(...lengths),
    "completions/clipped_ratio": mean(answers.map((a) => Number(a.truncated))),
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
    maxBatch: recipe.groupSize,
    threads: recipe.threads,
    maxContext: Math.min(config.decoder.maxPositions, recipe.batch.length),
  });
  const step = await createGrpoStep(config, store, reference, trained, recipe);
  const accumulated = accumulate(step.gradients, Number.POSITIVE_INFINITY);
  const rows = options.rows(cursor)[Symbol.asyncIterator]();

  /** Takes the next prompts and answers them; groups that teach nothing are replaced while tries last. */
  const sample = async (): Promise<Group<Row>[]> => {
    const kept: Group<Row>[] = [];
    for (let tries = 0; kept.length < recipe.promptsPerStep && tries <= recipe.resampleTries; tries++) {
      const wanted: Row[] = [];
      while (wanted.length < recipe.promptsPerStep - kept.length) {
        const { done, value } = await rows.next();
        if (done) break;
        wanted.push(value);
      }
      const seed = (recipe.seed * 1_000_003 + cursor) % 2 ** 32;
      const sampled = await rollout(engine, options.task, wanted, rewards, preprocessor, {
        ...recipe.rollout,
        groupSize: recipe.groupSize,
        seed,
      });
      cursor += wanted.length;
      const lastTry = tries === recipe.resampleTries;
      kept.push(...sampled.filter((g) => lastTry || std(g.answers.map((a) => a.reward ?? 0)) > 0));
    }
    return kept;
  };

  // ---- the loop
  try {
    while (optimizer.step < recipe.steps && !options.signal?.aborted) {
      const started = performance.now();
      const judged = judge(await sample(), recipe);
      if (judged.length === 0) break;
      const rolledOut = performance.now();
      const all = judged.flatMap((j) => j.answers);
      const share = Math.ceil(judged.length / recipe.updatesPerRollout);
      const updates = Array.from({ length: recipe.reuse }, () =>
        Array.from({ length: Math.ceil(judged.length / share) }, (_, u) => judged.slice(u * share, (u + 1) * share)),
      ).flat();
      await step.remember(judged.flatMap((j) => completionSequences(j.group, j.answers, recipe.batch.length)));
      let metrics = {};
      for (const part of updates) {
        const sequences = part.flatMap((j) => completionSequences(j.group, j.answers, recipe.batch.length));
        const measured = await step.run(
          sequences,
          part.flatMap((j) => j.answers),
          all,
          accumulated,
        );
        optimizer.checkLoss(measured.loss, accumulated.gradients);
        const { norm, learningRate } = await optimizer.update(accumulated.gradients);
        metrics = { ...measured, grad_norm: norm, learning_rate: learningRate };
      }
      await engine.updateWeights();
      for (const { group, answers } of judged)
        for (const { text, rewards: each, reward, advantage } of answers)
          folder.record("completions.jsonl", {
            step: optimizer.step,
            prompt: promptText(options.task, group.row),
            answer: text,
            rewards: each,
            reward,
            advantage,
          });
      const evaluate =
        options.heldOut && (optimizer.step % recipe.evalEvery < updates.length || optimizer.step >= recipe.steps);
      folder.log(optimizer.step, {
        ...metrics,
        ...rewardMetrics(
          all,
          rewards.map((r) => r.name),
          recipe.groupSize,
        ),
        ...(evaluate
          ? { eval_accuracy: await accuracyOf(engine, options.task, options.heldOut!, recipe.rollout.maxNewTokens) }
          : {}),
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
