/** @file Group relative policy optimisation: a flat loop from prompts over sampled answers to updated weights. */

import { deriveSeed, Random } from "../common/index.ts";
import { availableKernels, openModelCheckpoint, readCheckpoint } from "../compile/index.ts";
import { NoTokenError } from "../engine/index.ts";
import { FlashVL } from "../node/index.ts";
import { alone, type Communicator, deal, dealt, fromFirst, gatherValues, onAny } from "../ranks/index.ts";
import type { Task } from "../tasks/index.ts";
import { accumulate } from "./accumulate.ts";
import { combineRewards } from "./advantages.ts";
import { chooseTrained, optimizerOf } from "./choose-trained.ts";
import { completionSequences } from "./data/completions.ts";
import { createGrpoStep, type GrpoMeasures } from "./grpo-step.ts";
import { MergedWeights } from "./lora/lora.ts";
import { nativeTraining } from "./native-training.ts";
import { loadParameters } from "./parameter-store.ts";
import { pictureInput } from "./picture-input.ts";
import { digestOf, gatherStep, rankTimes } from "./rank-times.ts";
import type { GrpoRecipe } from "./recipe/schema.ts";
import { loadRewards, type NamedReward, scoreAll } from "./rewards.ts";
import { type Group, rollout } from "./rollout.ts";
import { openFolderOfRank, type RunOptions } from "./run/run-folder.ts";
import { checkpointsOf, loadTrainingState, newestCheckpoint, saveCheckpoint } from "./run/training-state.ts";
import { mean, rewardMetrics, std, withAdvantages } from "./with-advantages.ts";

export interface GrpoOptions<Row> extends RunOptions {
  readonly task: Task<Row>;
  /** Training rows from number `start` on, always the same; undefined where one is left out. */
  rows(start: number): AsyncIterable<Row | undefined>;
  /** Rows of an epoch, where there are epochs. */
  readonly epochSize?: number;
  /** Rows that are never trained on; asked greedily. */
  readonly heldOut?: readonly Row[];
  /** Makes a row complete, such as by its pictures: called by the rank that asks it. */
  load?(row: Row): Promise<Row>;
}

/** Greedy answers to held-out rows, each rank asking its part: the share that is right, and their mean reward. */
async function evaluate<Row>(
  model: FlashVL,
  task: Task<Row>,
  rows: readonly Row[],
  rewards: readonly NamedReward<Row>[],
  maxTokens: number,
  ranks: Communicator,
): Promise<{ eval_accuracy: number; eval_reward: number }> {
  const requests = rows.map((row) => {
    const { images, messages } = task.prompt(row);
    return { image: images, messages, options: { maxNewTokens: maxTokens } };
  });
  const results = await model.generateMany(requests);
  const paid: number[] = [];
  const right: number[] = [];
  for (const [i, { text, tokens }] of results.entries()) {
    right.push(Number((await task.score(rows[i]!, text)).correct));
    const scores = await scoreAll(rewards, { task, row: rows[i]!, text, tokens, maxTokens });
    const reward = combineRewards(
      scores,
      rewards.map((r) => r.weight),
    );
    if (reward !== null) paid.push(reward);
  }
  const all = await gatherValues(ranks, { right, paid });
  return {
    eval_accuracy: mean(all.flatMap((of) => of.right)),
    eval_reward: mean(all.flatMap((of) => of.paid)),
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
 * Of several ranks each answers its part of the prompts and takes its part of an update's batches; the results are those of one.
 * @returns the last checkpoint's folder
 * @throws NotFiniteError naming tensor and step; the last good checkpoint stays
 */
export async function trainGrpo<Row>(recipe: GrpoRecipe, options: GrpoOptions<Row>): Promise<string> {
  const { ranks = alone } = options;
  const { checkpoint, config } = await openModelCheckpoint(recipe.model, { iss: recipe.iss });
  const base = await loadParameters(config, checkpoint);
  const { preprocessor } = await readCheckpoint(checkpoint, config);
  await checkpoint.close();

  // ---- what is trained
  const chosen = chooseTrained(base, recipe, new Random(recipe.seed));
  const { store, adapters, trained } = chosen;
  const optimizer = optimizerOf(chosen, recipe, ranks);
  const rewards = await loadRewards<Row>(recipe.rewards);

  // ---- resume
  const checkpoints = checkpointsOf(options.run, recipe, checkpoint.modelFolder);
  let last = await fromFirst(ranks, () => newestCheckpoint(checkpoints.folder));
  let cursor = last ? (await loadTrainingState(last, store, optimizer)).cursor : 0;
  let savedAt = last === undefined ? undefined : optimizer.step;
  const folder = await openFolderOfRank(options, recipe, optimizer.step);
  const save = async (): Promise<string> => {
    const saved = await saveCheckpoint(checkpoints, store, optimizer, { step: optimizer.step, cursor, random: [] });
    savedAt = optimizer.step;
    return saved;
  };

  // ---- the policy twice over the same arrays: as an engine that answers, as graphs that learn. A LoRA's layers are merged for the engine
  const merged = recipe.lora && new MergedWeights(store, adapters, recipe.lora);
  const engine = await FlashVL.fromPretrained(recipe.model, {
    iss: recipe.iss,
    maxTiles: recipe.maxTiles,
    thumbnail: recipe.thumbnail,
    weights: (merged ?? store).tensors,
    kernels: availableKernels(nativeTraining().runtime),
    maxBatch: recipe.rollout.batch ?? recipe.groupSize,
    threads: recipe.threads,
    maxContext: Math.min(config.decoder.maxPositions, recipe.batch.length),
  });
  // A LoRA leaves the weights of the reference as they are.
  const reference = recipe.beta > 0 ? (recipe.lora ? base : await copyOf(recipe)) : undefined;
  const lora = recipe.lora && { config: recipe.lora, names: new Set(trained) };
  const step = await createGrpoStep(config, { store, trained, lora, reference, ranks }, recipe);
  const accumulated = accumulate(step.gradients, Number.POSITIVE_INFINITY, { ranks, shards: optimizer.shards });
  const load = options.load ?? (async (row: Row) => row);
  const heldOut = await Promise.all(dealt(options.heldOut ?? [], ranks).map(load));
  const rows = options.rows(cursor)[Symbol.asyncIterator]();

  /** Waits for answers to step `step`; where the weights are such that none can be drawn, the error says so. */
  const drawn = <T>(answers: Promise<T>, at: number): Promise<T> =>
    answers.catch((error) => {
      throw error instanceof NoTokenError ? optimizer.logitsError(at, error) : error;
    });

  /** Milliseconds that this rank has worked on the step at hand. */
  let worked = 0;

  /** Groups of answers to these rows. Each rank answers its part, and is told of all. */
  const answer = async (wanted: readonly Row[], seed: number): Promise<Group<Row>[]> => {
    const began = performance.now();
    const { start, end } = deal(wanted.length, ranks.rank, ranks.size);
    const asked = await Promise.all(wanted.slice(start, end).map(load));
    const own = await rollout(engine, options.task, asked, rewards, preprocessor, {
      ...recipe.rollout,
      groupSize: recipe.groupSize,
      pictures: pictureInput(recipe),
      seed,
      first: start,
    });
    worked += performance.now() - began;
    if (ranks.size === 1) return own;
    const texts = wanted.map((row) => Array.from(promptText(options.task, row), (letter) => letter.codePointAt(0)!));
    const groups = own.map(({ row: _, ...group }) => group);
    const all = await gatherStep(ranks, optimizer.step + 1, digestOf(texts), groups);
    return all.flat().map((group, i) => ({ ...group, row: wanted[i]! }));
  };

  /** Takes the next prompts and answers them; groups that teach nothing are replaced while tries last. */
  const sample = async (): Promise<Group<Row>[]> => {
    const kept: Group<Row>[] = [];
    for (let tries = 0; kept.length < recipe.promptsPerStep && tries <= recipe.resampleTries; tries++) {
      const wanted: Row[] = [];
      const seed = deriveSeed(recipe.seed, optimizer.step, cursor);
      while (wanted.length < recipe.promptsPerStep - kept.length) {
        const { done, value } = await rows.next();
        if (done) break;
        cursor++;
        if (value !== undefined) wanted.push(value);
      }
      const sampled = await answer(wanted, seed);
      const lastTry = tries === recipe.resampleTries;
      kept.push(...sampled.filter((g) => lastTry || std(g.answers.map((a) => a.reward ?? 0)) > 0));
    }
    return kept;
  };

  // ---- the loop
  try {
    while (optimizer.step < recipe.steps && !(await onAny(ranks, options.signal?.aborted ?? false))) {
      const started = performance.now();
      worked = 0;
      const scored = withAdvantages(await drawn(sample(), optimizer.step + 1), recipe);
      if (scored.length === 0) break;
      const rolledOut = performance.now();
      const all = scored.flatMap((j) => j.answers);
      const share = Math.ceil(scored.length / recipe.updatesPerRollout);
      const updates = Array.from({ length: recipe.reuse }, () =>
        Array.from({ length: Math.ceil(scored.length / share) }, (_, u) => scored.slice(u * share, (u + 1) * share)),
      ).flat();
      const sequencesOf = (part: typeof scored) =>
        part.flatMap((j) => completionSequences(j.group, j.answers, recipe.batch));
      await step.remember(sequencesOf(scored));
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
        worked += measured.worked;
        optimizer.checkLoss(measured.loss, accumulated.gradients);
        updated = await optimizer.update(accumulated.gradients);
      }
      merged?.update();
      await engine.updateWeights();
      for (const { group, answers } of scored)
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
          evaluate(engine, options.task, heldOut, rewards, recipe.rollout.maxNewTokens, ranks),
          optimizer.step,
        ));
      const times = rankTimes(await gatherValues(ranks, worked));
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
        ...times,
      });
      if (optimizer.step % recipe.saveEvery < updates.length) last = await save();
    }
    if (last === undefined || savedAt !== optimizer.step) last = await save();
  } finally {
    await rows.return?.();
    await engine.dispose();
    await step.dispose();
    await optimizer.dispose();
    await folder.close();
  }
  return last;
}

/** The reference policy: the weights that the run starts from, frozen. */
async function copyOf({ model, iss }: Pick<GrpoRecipe, "model" | "iss">) {
  const { checkpoint, config } = await openModelCheckpoint(model, { iss });
  try {
    return await loadParameters(config, checkpoint);
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
