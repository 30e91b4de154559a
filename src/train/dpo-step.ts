/** @file One update on preference pairs: fills the loss graph batch by batch and reads what it measured. */

import type { ModelConfig } from "../model/index.ts";
import { alone, type Communicator, dealt, gatherValues } from "../ranks/index.ts";
import type { Accumulated } from "./accumulate.ts";
import { batchesOf, withPictures } from "./data/batches.ts";
import { dpoGraph } from "./dpo-graph.ts";
import { lengthWeights, type PreferenceStep, preferenceStep, type ScoredPair } from "./loss/preference-weights.ts";
import { nativeTraining } from "./native-training.ts";
import {
  evaluatePairs,
  fillPairs,
  lengthsOf,
  PairScorer,
  type Pairs,
  readPairs,
  type SumsOf,
  shapeOf,
  withReference,
} from "./pair-scores.ts";
import type { ParameterStore } from "./parameter-store.ts";
import { preferenceOptions } from "./recipe/dpo-keys.ts";
import type { DpoRecipe } from "./recipe/schema.ts";
import { weightedSum } from "./reference-sums.ts";
import { createStepSession, type StepGraph, type StepSession, type StepSessionOptions } from "./step-session.ts";

/** δ of bco_pair: the mean over updates of their mean reward; part of what a resumed run must know. */
export interface RewardMean {
  mean: number;
  updates: number;
}

export interface DpoStep {
  readonly gradients: StepSession["gradients"];
  /** Loss, metrics and gradients of one update over these pairs. */
  run(
    pairs: Pairs,
    sums: SumsOf,
    into: Accumulated,
  ): Promise<PreferenceStep & { /** Milliseconds of this rank's own batches. */ readonly worked: number }>;
  dispose(): Promise<void>;
}

/** What an update works on. */
export interface DpoWeights extends Pick<StepSessionOptions, "trained" | "lora"> {
  readonly store: ParameterStore;
  /** Each takes its part of an update's batches. */
  readonly ranks?: Communicator;
}

/** The graph of a recipe's update. */
export const dpoStepGraph = (config: ModelConfig, recipe: DpoRecipe): StepGraph =>
  dpoGraph(config, shapeOf(recipe), { ...preferenceOptions(recipe), wpo: recipe.wpo });

/**
 * Loads the graph of an update once.
 * @param rewards the shift of bco_pair so far, which every update moves
 */
export async function createDpoStep(
  config: ModelConfig,
  { store, trained, lora, ranks = alone }: DpoWeights,
  recipe: DpoRecipe,
  rewards: RewardMean,
): Promise<DpoStep> {
  const shape = shapeOf(recipe);
  const options = preferenceOptions(recipe);
  const session = await createStepSession(dpoStepGraph(config, recipe), store, {
    on: nativeTraining(),
    trained,
    lora,
    threads: recipe.threads,
    precision: recipe.precision,
    recompute: recipe.recompute,
  });
  // The shift is of these very pairs, too: their rewards must be known before the pass.
  const scorer = recipe.bcoShift === "running" ? await PairScorer.open(config, store, recipe, lora, ranks) : undefined;

  /** What the loss is told of the pairs of a batch. Inputs that this loss does not have are not there. */
  const fill = (pairs: Pairs, starts: readonly number[], sums: SumsOf, update: Update): void => {
    const array = (name: string) => session.inputs.get(name)?.data as Float32Array | undefined;
    const all = [
      "length_weights",
      "sft_shares",
      "references",
      "inverse_lengths",
      "token_shares",
      "pair_weights",
    ] as const;
    const own = Object.fromEntries(all.map((name) => [name, array(name)?.fill(0)])) as Record<
      (typeof all)[number],
      Float32Array | undefined
    >;
    const answerOf = (session.inputs.get("answer_of")?.data as BigInt64Array | undefined)?.fill(0n);
    array("shift")?.fill(update.shift);
    for (const [i, pair] of pairs.entries()) {
      const lengths = lengthsOf(pair);
      const reference = sums(pair);
      if (own.pair_weights) own.pair_weights[i] = 1 / update.pairs;
      for (const side of ["chosen", "rejected"] as const) {
        const answer = side === "chosen" ? i : shape.pairs + i;
        const from = starts[i]! + (side === "chosen" ? 0 : pair.chosenTokens);
        const to = from + lengths[side];
        if (own.references) own.references[answer] = weightedSum(reference[side], options.ldAlpha);
        if (own.inverse_lengths) own.inverse_lengths[answer] = 1 / lengths[side];
        answerOf?.fill(BigInt(answer), from, to);
        own.length_weights?.set(lengthWeights(lengths[side], lengths.shorter, options.ldAlpha), from);
        own.token_shares?.fill(1 / lengths[side], from, to);
        if (side === "chosen") own.sft_shares?.fill(1 / update.chosenTokens, from, to);
      }
    }
  };

  const moveShift = async (pairs: Pairs, sums: SumsOf): Promise<number> => {
    if (!scorer) return 0;
    const { metrics } = await evaluatePairs(scorer, pairs, sums, recipe, 0);
    rewards.updates++;
    const reward = (metrics["rewards/chosen"] + metrics["rewards/rejected"]) / 2;
    rewards.mean += (reward - rewards.mean) / rewards.updates;
    return rewards.mean;
  };

  return {
    gradients: session.gradients,
    async run(pairs, sums, into) {
      const update: Update = {
        pairs: pairs.length,
        chosenTokens: pairs.reduce((n, { chosenTokens }) => n + chosenTokens, 0),
        shift: await moveShift(pairs, sums),
      };
      const batches = await batchesOf(pairs, shape, recipe.batchSize);
      into.begin(batches.length);
      const own: ReturnType<typeof readPairs> = [];
      const started = performance.now();
      for (const batch of dealt(batches, ranks)) {
        const filled = fillPairs(session, await withPictures(batch), shape, config.windowTokens);
        fill(filled.pairs, filled.starts, sums, update);
        await session.run();
        into.add();
        own.push(...readPairs(session, filled.pairs, filled.starts));
      }
      const worked = performance.now() - started;
      const measured = (await gatherValues(ranks, own)).flat();
      await into.finish();
      const inOrder = batches.flatMap(({ rows }) => rows.flat() as Pairs[number][]);
      const scored = inOrder.map((pair, i): ScoredPair => withReference(measured[i]!, sums(pair), options.ldAlpha));
      return { ...preferenceStep(scored, { ...options, shift: update.shift }), worked };
    },
    async dispose() {
      await Promise.all([session, scorer].map((s) => s?.dispose()));
    },
  };
}

/** What the loss of a batch must know of the whole update. */
interface Update {
  readonly pairs: number;
  readonly chosenTokens: number;
  readonly shift: number;
}
