/** @file Validation of supervised fine-tuning: the loss of held-out samples, answers to held-out rows, and which weights were best. */

import type { ModelConfig } from "../model/index.ts";
import { type Communicator, dealt, gatherValues } from "../ranks/index.ts";
import type { AnswerScore } from "./answer-score.ts";
import { type Batch, batchesOf, fillInputs, withPictures } from "./data/batches.ts";
import type { Sequence } from "./data/sequence.ts";
import type { ParameterStore } from "./parameter-store.ts";
import type { SftRecipe } from "./recipe/schema.ts";
import type { RunFolder } from "./run/run-folder.ts";
import { type SftShape, sftGraph } from "./sft-graph.ts";
import { createStepSession, type StepSession, type StepSessionOptions } from "./step-session.ts";

/** What a checkpoint remembers of the validations so far. */
export interface BestSoFar {
  readonly bestLoss?: number;
  readonly bestScore?: number;
  readonly stale?: number;
}

export interface ValidationParts {
  readonly config: ModelConfig;
  readonly shape: SftShape;
  readonly store: ParameterStore;
  readonly session: StepSessionOptions;
  readonly samples: readonly Sequence[];
  /** Called before answers are asked for: whole weights are made anew of a LoRA. */
  readonly refresh?: () => void;
  readonly answers?: AnswerScore;
  /** Each validates its part of the batches. */
  readonly ranks: Communicator;
}

/** Runs validations and says whether one was the best so far: by the score of answers, then by the loss. */
export class Validation {
  readonly #recipe: SftRecipe;
  readonly #parts: ValidationParts;
  readonly #session: StepSession;
  readonly #batches: readonly Batch[];
  #bestLoss: number;
  #bestScore: number;
  #stale: number;
  /** The score before the first update, for the last line. */
  #before: number | undefined;

  private constructor(
    recipe: SftRecipe,
    parts: ValidationParts,
    session: StepSession,
    batches: readonly Batch[],
    best: BestSoFar,
  ) {
    this.#recipe = recipe;
    this.#parts = parts;
    this.#session = session;
    this.#batches = batches;
    this.#bestLoss = best.bestLoss ?? Number.POSITIVE_INFINITY;
    this.#bestScore = best.bestScore ?? Number.NEGATIVE_INFINITY;
    this.#stale = best.stale ?? 0;
  }

  static async open(recipe: SftRecipe, parts: ValidationParts, best: BestSoFar): Promise<Validation> {
    const { config, shape, store, samples } = parts;
    const session = await createStepSession({ outputs: sftGraph(config, shape).outputs }, store, parts.session);
    const batches = await batchesOf(samples, shape);
    const own = await Promise.all(dealt(batches, parts.ranks).map(withPictures));
    return new Validation(recipe, parts, session, own, best);
  }

  /** For the checkpoint; numbers that were never measured are left out. */
  get best(): Record<string, number> {
    const known = { bestLoss: this.#bestLoss, bestScore: this.#bestScore, stale: this.#stale };
    return Object.fromEntries(Object.entries(known).filter(([, value]) => Number.isFinite(value)));
  }

  /** Whether patience is at its end. */
  get exhausted(): boolean {
    return this.#recipe.patience !== undefined && this.#stale >= this.#recipe.patience;
  }

  /** Whether a validation follows this step. */
  due(step: number): boolean {
    const { validation, steps } = this.#recipe;
    if (step === 0) return this.#parts.answers !== undefined;
    return step % (validation?.every ?? steps) === 0 || step === steps;
  }

  /**
   * Validates the weights as they are.
   * @returns what to log, and whether these weights are the best so far; those before the first update never are
   */
  async run(step: number, folder: RunFolder): Promise<{ metrics: Record<string, number>; better: boolean }> {
    const { loss, accuracy } = await this.#loss();
    const metrics: Record<string, number> = { eval_loss: loss, eval_token_accuracy: accuracy };
    const { answers, refresh } = this.#parts;
    let score = 0;
    if (answers) {
      refresh?.();
      const judged = await answers.ask();
      score = judged.reduce((sum, row) => sum + row.score, 0) / judged.length;
      metrics[`eval_${answers.name}`] = score;
      for (const row of judged) folder.record("validation.jsonl", { step, ...row });
    }
    if (step === 0) {
      this.#before = score;
      return { metrics, better: false };
    }
    const better = score > this.#bestScore || (score === this.#bestScore && loss < this.#bestLoss);
    this.#stale = better ? 0 : this.#stale + 1;
    if (better) [this.#bestLoss, this.#bestScore] = [loss, score];
    return { metrics, better };
  }

  /** "held-out answers: exact 90.0 % at best, 0.0 % before"; undefined where none were asked for. */
  summary(): string | undefined {
    const { answers } = this.#parts;
    if (!answers || !Number.isFinite(this.#bestScore)) return undefined;
    const percent = (score: number) => `${(100 * score).toFixed(1)} %`;
    const before = this.#before === undefined ? "" : `, ${percent(this.#before)} before training`;
    return `${answers.rows} held-out rows: ${answers.name} ${percent(this.#bestScore)} at best${before}`;
  }

  /** Mean loss and share of right tokens. */
  async #loss(): Promise<{ loss: number; accuracy: number }> {
    const { shape, config, ranks } = this.#parts;
    const own: { logProbs: Float32Array; correct: Float32Array }[] = [];
    for (const batch of this.#batches) {
      fillInputs(this.#session.inputs, batch, shape, config.windowTokens);
      await this.#session.run();
      const measured = (name: string) =>
        (this.#session.outputs.get(name)!.data as Float32Array).slice(0, batch.trainedTokens);
      own.push({ logProbs: measured("log_probs"), correct: measured("correct") });
    }
    let [loss, right, tokens] = [0, 0, 0];
    for (const { logProbs, correct } of (await gatherValues(ranks, own)).flat()) {
      for (const logProb of logProbs) loss -= logProb;
      for (const one of correct) right += one;
      tokens += logProbs.length;
    }
    return { loss: loss / tokens, accuracy: right / tokens };
  }

  async dispose(): Promise<void> {
    await this.#session.dispose();
    await this.#parts.answers?.dispose();
  }
}
