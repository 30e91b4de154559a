/** @file One policy update of GRPO: fills the loss graph with answers, runs it batch by batch, reads what it measured. */

import type { FlashVLConfig } from "../model/index.ts";
import type { Accumulated } from "./accumulate.ts";
import { type Batch, fillInputs, toBatches } from "./data/batches.ts";
import type { CompletionSequence } from "./data/completions.ts";
import { type GrpoGraphOptions, grpoGraph, logProbGraph, type PictureInput } from "./grpo-graph.ts";
import type { JudgedAnswer } from "./judge.ts";
import { tokenWeights } from "./loss/token-weights.ts";
import type { ParameterStore } from "./parameter-store.ts";
import { type PolicyMeasures, policyMeasures } from "./policy-measures.ts";
import type { GrpoRecipe } from "./recipe.ts";
import { createStepSession, type StepSession } from "./step-session.ts";

type Sequences = readonly CompletionSequence<JudgedAnswer>[];

export interface GrpoMeasures extends PolicyMeasures {
  readonly loss: number;
  readonly entropy: number;
  /** Largest difference between the engine's log-probabilities and the trainer's. */
  readonly sampling_difference: number;
}

export interface GrpoStep {
  readonly gradients: StepSession["gradients"];
  /** Keeps the log-probabilities of the policy before the update, and of the reference, where the loss needs them. */
  remember(sequences: Sequences): Promise<void>;
  /** Loss and gradients of one update over `answers`; `generation` is the whole batch and how many updates share it. */
  run(
    sequences: Sequences,
    answers: readonly JudgedAnswer[],
    generation: { readonly answers: readonly JudgedAnswer[]; readonly updates: number },
    into: Accumulated,
  ): Promise<GrpoMeasures>;
  dispose(): Promise<void>;
}

async function* iterate<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

/** Tokens that count, one list per answer. */
const masks = (answers: readonly JudgedAnswer[]): number[][] =>
  answers.map((a) => a.tokens.map(() => Number(a.counts)));
const tokenCount = (answers: readonly JudgedAnswer[]): number =>
  masks(answers)
    .flat()
    .reduce((n, m) => n + m, 0);

/**
 * What the update is given of pictures. Where neither tower nor adapter is trained, their tokens are what answering has made of
 * them: policy and reference see the same ones, and no tower runs a second and a third time.
 */
export const pictureInput = ({ train }: Pick<GrpoRecipe, "train">): PictureInput =>
  train.some((part) => part === "tower" || part === "adapter") ? "pixels" : "tokens";

/** Loads the graphs of an update once. @param reference weights of the reference policy, where beta > 0 */
export async function createGrpoStep(
  config: FlashVLConfig,
  store: ParameterStore,
  reference: ParameterStore | undefined,
  trained: readonly string[],
  recipe: GrpoRecipe,
): Promise<GrpoStep> {
  const { images, rows, length, labels } = recipe.batch;
  const shape = { images, rows, length, labels, headChunk: recipe.batch.headChunk ?? labels };
  const { temperature } = recipe.rollout;
  const onPolicy = recipe.reuse * recipe.updatesPerRollout === 1;
  const options: GrpoGraphOptions = {
    kind: recipe.lossType === "cispo" || recipe.lossType === "sapo" ? recipe.lossType : "clip",
    epsilonLow: recipe.epsilonLow,
    epsilonHigh: recipe.epsilonHigh,
    delta: recipe.delta,
    level: recipe.importanceLevel,
    beta: recipe.beta,
    kl: recipe.kl,
    temperature,
    pictures: pictureInput(recipe),
    onPolicy,
    sequences: recipe.groupSize * recipe.promptsPerStep,
  };
  const session = await createStepSession(grpoGraph(config, shape, options), store, {
    trained,
    threads: recipe.threads,
    precision: recipe.precision,
    recompute: recipe.recompute,
  });
  const scorer = (of: ParameterStore) =>
    createStepSession(logProbGraph(config, shape, temperature, options.pictures), of, {
      threads: recipe.threads,
      precision: recipe.precision,
    });
  const before = onPolicy ? undefined : await scorer(store);
  const frozen = reference && (await scorer(reference));
  const oldLogProbs = new Map<JudgedAnswer, Float32Array>();
  const refLogProbs = new Map<JudgedAnswer, Float32Array>();

  /** Fills a session's inputs; `each` is told the answer and token behind every label. */
  const fill = (
    target: StepSession,
    batch: Batch,
    each: (label: number, answer: JudgedAnswer, token: number) => void,
  ): void => {
    const scale = target.inputs.get("inverse_temperature");
    if (scale) (scale.data as Float32Array)[0] = 1 / temperature;
    fillInputs(target.inputs, batch, shape, config.imageTokens, (label, sample, k) => {
      const { answer, token } = (sample as CompletionSequence<JudgedAnswer>).origins[k]!;
      each(label, answer, token);
    });
  };

  const score = async (
    by: StepSession | undefined,
    sequences: Sequences,
    into: Map<JudgedAnswer, Float32Array>,
  ): Promise<void> => {
    into.clear();
    if (!by) return;
    for await (const batch of toBatches(iterate(sequences), shape, 0)) {
      const places: [JudgedAnswer, number][] = [];
      fill(by, batch, (label, answer, token) => {
        places[label] = [answer, token];
      });
      await by.run();
      const found = by.outputs.get("log_probs")!.data as Float32Array;
      places.forEach(([answer, token], label) => {
        if (!into.has(answer)) into.set(answer, new Float32Array(answer.tokens.length));
        into.get(answer)![token] = found[label]!;
      });
    }
  };

  return {
    gradients: session.gradients,
    async remember(sequences) {
      await score(before, sequences, oldLogProbs);
      await score(frozen, sequences, refLogProbs);
    },
    async run(sequences, answers, generation, into) {
      const counted = tokenCount(generation.answers);
      const weights = tokenWeights(masks(answers), {
        lossType: recipe.lossType,
        gradAccum: 1,
        // Fewer than the recipe says where the batch has fewer prompts.
        stepsPerGeneration: generation.updates,
        maxCompletionLength: recipe.rollout.maxNewTokens,
        generationTokens: counted,
      });
      const weightsOf = new Map(answers.map((a, i) => [a, weights[i]!]));
      const number = new Map(answers.map((a, i) => [a, i]));
      const input = (name: string) => session.inputs.get(name)?.data as Float32Array | undefined;
      const [policy, kl, advantages, old, ref, tau, share] = [
        "policy_weights",
        "kl_weights",
        "advantages",
        "old_log_probs",
        "ref_log_probs",
        "tau",
        "sequence_share",
      ].map(input);
      const sequenceOf = session.inputs.get("sequence_of")?.data as BigInt64Array | undefined;
      const sums = { loss: 0, entropy: 0, sampling_difference: 0 };
      const found = new Map<JudgedAnswer, Float32Array>();
      let tokens = 0;
      into.reset();
      for await (const batch of toBatches(iterate(sequences), shape, 0)) {
        for (const array of [policy, kl, advantages, old, ref, share]) array?.fill(0);
        tau?.fill(1);
        sequenceOf?.fill(0n);
        const places: [JudgedAnswer, number][] = [];
        fill(session, batch, (label, answer, token) => {
          places[label] = [answer, token];
          policy![label] = weightsOf.get(answer)![token]!;
          if (kl) kl[label] = policy![label]!;
          advantages![label] = answer.advantage;
          if (old) old[label] = oldLogProbs.get(answer)![token]!;
          if (ref) ref[label] = refLogProbs.get(answer)![token]!;
          if (tau) tau[label] = answer.advantage > 0 ? recipe.tau[0] : recipe.tau[1];
          if (share) share[label] = answer.counts ? 1 / answer.tokens.length : 0;
          if (sequenceOf) sequenceOf[label] = BigInt(number.get(answer)!);
        });
        await session.run();
        into.add();
        const logProbs = session.outputs.get("log_probs")!.data as Float32Array;
        const entropy = session.outputs.get("entropy")!.data as Float32Array;
        sums.loss += (session.outputs.get("loss")!.data as Float32Array)[0]!;
        places.forEach(([answer, token], label) => {
          if (!answer.counts) return;
          tokens++;
          if (!found.has(answer)) found.set(answer, new Float32Array(answer.tokens.length));
          found.get(answer)![token] = logProbs[label]!;
          sums.entropy += entropy[label]!;
          const drift = Math.abs(answer.logProbs[token]! - (old ? old[label]! : logProbs[label]!));
          sums.sampling_difference = Math.max(sums.sampling_difference, drift);
        });
      }
      const measured = [...found].map(([answer, logProbs]) => ({
        logProbs,
        old: oldLogProbs.get(answer),
        ref: refLogProbs.get(answer),
        advantage: answer.advantage,
      }));
      return { ...sums, entropy: sums.entropy / Math.max(1, tokens), ...policyMeasures(measured, options) };
    },
    async dispose() {
      await Promise.all([session, before, frozen].map((s) => s?.dispose()));
    },
  };
}
