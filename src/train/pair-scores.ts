/** @file What a model says of preference pairs, without a loss: for the reference's sums and for validation. */

import type { ModelConfig } from "../model/index.ts";
import { alone, type Communicator, gatherValues } from "../ranks/index.ts";
import { type Batch, fillInputs, toBatches, withPictures } from "./data/batches.ts";
import type { PairSequence } from "./data/pairs.ts";
import { type DpoShape, pairScoreGraph } from "./dpo-graph.ts";
import { type PreferenceStep, preferenceStep, type ScoredAnswer, type ScoredPair } from "./loss/preference-weights.ts";
import { nativeTraining } from "./native-training.ts";
import type { ParameterStore } from "./parameter-store.ts";
import { pictureInput } from "./picture-input.ts";
import { preferenceOptions } from "./recipe/dpo-keys.ts";
import type { DpoRecipe } from "./recipe/schema.ts";
import { type PairSums, weightedSum } from "./reference-sums.ts";
import { createStepSession, type StepSession, type StepSessionOptions } from "./step-session.ts";

export type Pairs = readonly PairSequence[];
export type SumsOf = (pair: PairSequence) => PairSums;
/** What the model says of a pair's answers, without the reference. */
type Measured = Readonly<Record<"chosen" | "rejected", Omit<ScoredAnswer, "reference">>>;

export async function* iterate<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

export const shapeOf = ({ batch, pairsPerStep, train }: DpoRecipe): DpoShape => ({
  ...batch,
  headChunk: batch.headChunk ?? batch.labels,
  pairs: pairsPerStep,
  pictures: pictureInput({ train }),
});

/** Fills the inputs that every graph over pairs has; the answers' labels of pair n begin at `starts[n]`. */
export function fillPairs(session: StepSession, batch: Batch, shape: DpoShape, imageTokens: number) {
  const starts: number[] = [];
  fillInputs(session.inputs, batch, shape, imageTokens, (label, _, k) => {
    if (k === 0) starts.push(label);
  });
  return { pairs: batch.rows.flat() as PairSequence[], starts };
}

/** Reads the outputs of a run. */
export function readPairs(session: StepSession, pairs: Pairs, starts: readonly number[]): Measured[] {
  const output = (name: string) => session.outputs.get(name)?.data as Float32Array | undefined;
  return pairs.map(({ chosenTokens, targets }, i) => {
    const answer = (from: number, to: number) => {
      const own = (name: string) => output(name)?.slice(starts[i]! + from, starts[i]! + to);
      return {
        logProbs: own("log_probs")!,
        alignment: own("alignment"),
        entropy: own("entropy")!,
        meanLogit: own("mean_logit")!,
        correct: own("correct")!,
      };
    };
    return { chosen: answer(0, chosenTokens), rejected: answer(chosenTokens, targets.length) };
  });
}

export const lengthsOf = ({ chosenTokens, targets }: PairSequence) => {
  const rejected = targets.length - chosenTokens;
  return { chosen: chosenTokens, rejected, shorter: Math.min(chosenTokens, rejected) };
};

/** Runs a graph without a loss over pairs, batch by batch. */
export class PairScorer {
  readonly #session: StepSession;
  readonly #shape: DpoShape;
  readonly #imageTokens: number;
  readonly #most: number | undefined;
  readonly #ranks: Communicator;

  private constructor(
    session: StepSession,
    shape: DpoShape,
    imageTokens: number,
    most: number | undefined,
    ranks: Communicator,
  ) {
    this.#ranks = ranks;
    this.#session = session;
    this.#shape = shape;
    this.#imageTokens = imageTokens;
    this.#most = most;
  }

  /**
   * @param lora left out for the model without its adapter
   * @param ranks take turns at the batches
   */
  static async open(
    config: ModelConfig,
    store: ParameterStore,
    recipe: DpoRecipe,
    lora?: StepSessionOptions["lora"],
    ranks: Communicator = alone,
  ): Promise<PairScorer> {
    const shape = shapeOf(recipe);
    const { threads, precision } = recipe;
    const options = { on: nativeTraining(), threads, precision, lora };
    const session = await createStepSession(pairScoreGraph(config, shape, recipe.wpo), store, options);
    return new PairScorer(session, shape, config.windowTokens, recipe.batchSize, ranks);
  }

  /** What the model says of the pairs of each batch, on every rank. */
  async *score(pairs: AsyncIterable<PairSequence>): AsyncGenerator<(readonly [PairSequence, Measured])[]> {
    let round: Batch[] = [];
    for await (const batch of toBatches(pairs, this.#shape, 0, this.#most)) {
      round.push(batch);
      if (round.length < this.#ranks.size) continue;
      yield* await this.#scoreRound(round);
      round = [];
    }
    if (round.length > 0) yield* await this.#scoreRound(round);
  }

  /** A batch for each rank, but for the last ones. */
  async #scoreRound(batches: readonly Batch[]): Promise<(readonly [PairSequence, Measured])[][]> {
    const own = batches[this.#ranks.rank];
    let measured: Measured[] = [];
    if (own) {
      const filled = fillPairs(this.#session, await withPictures(own), this.#shape, this.#imageTokens);
      await this.#session.run();
      measured = readPairs(this.#session, filled.pairs, filled.starts);
    }
    const all = await gatherValues(this.#ranks, measured);
    return batches.map(({ rows }, b) => (rows.flat() as PairSequence[]).map((pair, i) => [pair, all[b]![i]!] as const));
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

/** Sums of log-probabilities of a pair's answers, for the reference. */
export function sumsOf(pair: PairSequence, { chosen, rejected }: Measured): PairSums {
  const { shorter } = lengthsOf(pair);
  const sum = (numbers: ArrayLike<number>, until: number): number => {
    let total = 0;
    for (let t = 0; t < until; t++) total += numbers[t]!;
    return total;
  };
  const both = ({ logProbs }: Pick<ScoredAnswer, "logProbs">) => ({
    all: sum(logProbs, logProbs.length),
    shared: sum(logProbs, shorter),
  });
  return { chosen: both(chosen), rejected: both(rejected) };
}

/** A pair's measures beside its reference. */
export const withReference = ({ chosen, rejected }: Measured, sums: PairSums, ldAlpha: number): ScoredPair => ({
  chosen: { ...chosen, reference: weightedSum(sums.chosen, ldAlpha) },
  rejected: { ...rejected, reference: weightedSum(sums.rejected, ldAlpha) },
});

/** Loss and metrics of pairs without an update: for validation. */
export async function evaluatePairs(
  scorer: PairScorer,
  pairs: Pairs,
  sums: SumsOf,
  recipe: DpoRecipe,
  shift: number,
): Promise<PreferenceStep> {
  const scored: ScoredPair[] = [];
  for await (const batch of scorer.score(iterate(pairs)))
    for (const [pair, measured] of batch) scored.push(withReference(measured, sums(pair), recipe.ldAlpha));
  return preferenceStep(scored, { ...preferenceOptions(recipe), shift });
}
