/** @file One policy update of GRPO: fills the loss graph with answers, runs it batch by batch, reads what it measured. */

import type { ModelConfig } from "../model/index.ts";
import { alone, type Communicator, dealt, gatherValues } from "../ranks/index.ts";
import type { Accumulated } from "./accumulate.ts";
import { type Batch, batchesOf, fillInputs } from "./data/batches.ts";
import type { CompletionSequence } from "./data/completions.ts";
import { type GrpoGraphOptions, grpoGraph, logProbGraph, policyInputs } from "./grpo-graph.ts";
import { tokenWeights } from "./loss/token-weights.ts";
import { nativeTraining } from "./native-training.ts";
import type { ParameterStore } from "./parameter-store.ts";
import { pictureInput } from "./picture-input.ts";
import { type PolicyMeasures, policyMeasures } from "./policy-measures.ts";
import type { GrpoRecipe } from "./recipe/schema.ts";
import type { SftShape } from "./sft-graph.ts";
import { createStepSession, type StepGraph, type StepSession, type StepSessionOptions } from "./step-session.ts";
import type { ScoredCompletion } from "./with-advantages.ts";

type Sequences = readonly CompletionSequence<ScoredCompletion>[];

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
    answers: readonly ScoredCompletion[],
    generation: { readonly answers: readonly ScoredCompletion[]; readonly updates: number },
    into: Accumulated,
  ): Promise<GrpoMeasures & { /** Milliseconds of this rank's own batches. */ readonly worked: number }>;
  dispose(): Promise<void>;
}

type Place = readonly [answer: ScoredCompletion, token: number];

/** The answer and the token behind every label of a batch. */
const placesOf = ({ rows }: Batch): Place[] =>
  (rows.flat() as CompletionSequence<ScoredCompletion>[]).flatMap(({ targets, origins }) =>
    targets.map((_, k): Place => [origins[k]!.answer, origins[k]!.token]),
  );

/** What a run measured of a batch, label by label. */
interface Measured {
  readonly loss: number;
  readonly logProbs: Float32Array;
  readonly entropy: Float32Array;
}

/** Tokens that count, one list per answer. */
const masks = (answers: readonly ScoredCompletion[]): number[][] =>
  answers.map((a) => a.tokens.map(() => Number(a.counts)));
const tokenCount = (answers: readonly ScoredCompletion[]): number =>
  masks(answers)
    .flat()
    .reduce((n, m) => n + m, 0);

/** What an update works on. */
export interface GrpoWeights extends Pick<StepSessionOptions, "lora"> {
  readonly store: ParameterStore;
  readonly trained: readonly string[];
  /** Weights of the reference policy, where beta > 0; without the LoRA, where there is one. */
  readonly reference?: ParameterStore;
  /** Each takes its part of an update's batches. */
  readonly ranks?: Communicator;
}

const shapeOf = ({ batch }: GrpoRecipe): SftShape => ({ ...batch, headChunk: batch.headChunk ?? batch.labels });

const graphOptions = (recipe: GrpoRecipe): GrpoGraphOptions => ({
  kind: recipe.lossType === "cispo" || recipe.lossType === "sapo" ? recipe.lossType : "clip",
  epsilonLow: recipe.epsilonLow,
  epsilonHigh: recipe.epsilonHigh,
  delta: recipe.delta,
  level: recipe.importanceLevel,
  beta: recipe.beta,
  kl: recipe.kl,
  temperature: recipe.rollout.temperature,
  pictures: pictureInput(recipe),
  onPolicy: recipe.reuse * recipe.updatesPerRollout === 1,
  sequences: recipe.groupSize * recipe.promptsPerStep,
});

/** The graph of a recipe's update. */
export const grpoStepGraph = (config: ModelConfig, recipe: GrpoRecipe): StepGraph =>
  grpoGraph(config, shapeOf(recipe), graphOptions(recipe));

/** Loads the graphs of an update once. */
export async function createGrpoStep(
  config: ModelConfig,
  { store, trained, lora, reference, ranks = alone }: GrpoWeights,
  recipe: GrpoRecipe,
): Promise<GrpoStep> {
  const shape = shapeOf(recipe);
  const options = graphOptions(recipe);
  const { temperature, onPolicy } = options;
  const on = nativeTraining();
  const session = await createStepSession(grpoStepGraph(config, recipe), store, {
    on,
    trained,
    lora,
    threads: recipe.threads,
    precision: recipe.precision,
    recompute: recipe.recompute,
  });
  const scorer = (of: ParameterStore, adapted?: StepSessionOptions["lora"]) =>
    createStepSession(logProbGraph(config, shape, temperature, options.pictures), of, {
      on,
      lora: adapted,
      threads: recipe.threads,
      precision: recipe.precision,
    });
  const own = policyInputs(session.inputs);
  const before = onPolicy ? undefined : await scorer(store, lora);
  const frozen = reference && (await scorer(reference));
  const oldLogProbs = new Map<ScoredCompletion, Float32Array>();
  const refLogProbs = new Map<ScoredCompletion, Float32Array>();

  /** Fills a session's inputs; `each` is told the answer and token behind every label. */
  const fill = (
    target: StepSession,
    batch: Batch,
    each: (label: number, answer: ScoredCompletion, token: number) => void,
  ): void => {
    const scale = target.inputs.get("inverse_temperature");
    if (scale) (scale.data as Float32Array)[0] = 1 / temperature;
    fillInputs(target.inputs, batch, shape, config.windowTokens, (label, sample, k) => {
      const { answer, token } = (sample as CompletionSequence<ScoredCompletion>).origins[k]!;
      each(label, answer, token);
    });
  };

  const score = async (
    by: StepSession | undefined,
    sequences: Sequences,
    into: Map<ScoredCompletion, Float32Array>,
  ): Promise<void> => {
    into.clear();
    if (!by) return;
    const batches = await batchesOf(sequences, shape);
    const own: Float32Array[] = [];
    for (const batch of dealt(batches, ranks)) {
      fill(by, batch, () => {});
      await by.run();
      own.push((by.outputs.get("log_probs")!.data as Float32Array).slice(0, batch.trainedTokens));
    }
    const found = (await gatherValues(ranks, own)).flat();
    batches.forEach((batch, b) => {
      placesOf(batch).forEach(([answer, token], label) => {
        if (!into.has(answer)) into.set(answer, new Float32Array(answer.tokens.length));
        into.get(answer)![token] = found[b]![label]!;
      });
    });
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
      const { policyWeights, advantages, klWeights, oldLogProbs: old, refLogProbs: ref, tau, ...sequence } = own;
      const sums = { loss: 0, entropy: 0, sampling_difference: 0 };
      const found = new Map<ScoredCompletion, Float32Array>();
      let tokens = 0;
      const batches = await batchesOf(sequences, shape);
      into.begin(batches.length);
      const started = performance.now();
      const measures: Measured[] = [];
      for (const batch of dealt(batches, ranks)) {
        for (const array of [policyWeights, klWeights, advantages, old, ref, sequence.sequenceShare]) array?.fill(0);
        tau?.fill(1);
        sequence.sequenceOf?.fill(0n);
        fill(session, batch, (label, answer, token) => {
          policyWeights[label] = weightsOf.get(answer)![token]!;
          if (klWeights) klWeights[label] = policyWeights[label]!;
          advantages[label] = answer.advantage;
          if (old) old[label] = oldLogProbs.get(answer)![token]!;
          if (ref) ref[label] = refLogProbs.get(answer)![token]!;
          if (tau) tau[label] = answer.advantage > 0 ? recipe.tau[0] : recipe.tau[1];
          if (sequence.sequenceShare) sequence.sequenceShare[label] = answer.counts ? 1 / answer.tokens.length : 0;
          if (sequence.sequenceOf) sequence.sequenceOf[label] = BigInt(number.get(answer)!);
        });
        await session.run();
        into.add();
        const output = (name: string) => session.outputs.get(name)!.data as Float32Array;
        const labels = (name: string) => output(name).slice(0, batch.trainedTokens);
        measures.push({ loss: output("loss")[0]!, logProbs: labels("log_probs"), entropy: labels("entropy") });
      }
      const worked = performance.now() - started;
      const all = (await gatherValues(ranks, measures)).flat();
      await into.finish();
      batches.forEach((batch, b) => {
        const { loss, logProbs, entropy } = all[b]!;
        sums.loss += loss;
        placesOf(batch).forEach(([answer, token], label) => {
          if (!answer.counts) return;
          tokens++;
          if (!found.has(answer)) found.set(answer, new Float32Array(answer.tokens.length));
          found.get(answer)![token] = logProbs[label]!;
          sums.entropy += entropy[label]!;
          const drift = Math.abs(answer.logProbs[token]! - (old ? oldLogProbs.get(answer)![token]! : logProbs[label]!));
          sums.sampling_difference = Math.max(sums.sampling_difference, drift);
        });
      });
      const measured = [...found].map(([answer, logProbs]) => ({
        logProbs,
        old: oldLogProbs.get(answer),
        ref: refLogProbs.get(answer),
        advantage: answer.advantage,
      }));
      const entropy = sums.entropy / Math.max(1, tokens);
      return { ...sums, entropy, ...policyMeasures(measured, options), worked };
    },
    async dispose() {
      await Promise.all([session, before, frozen].map((s) => s?.dispose()));
    },
  };
}
