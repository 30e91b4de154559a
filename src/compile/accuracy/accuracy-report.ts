/** @file Judges precisions by what they do to the model's answers: each against float32, on the same prompts. */

import type { Checkpoint } from "../../hub/index.ts";
import type { Runtime, SessionOptions } from "../../runtime/index.ts";
import { type Calibration, compileCheckpoint } from "../compile-checkpoint.ts";
import type { Preset, PresetOptions } from "../presets.ts";
import { type AnswerLogits, answerLogits, greedyAgreement } from "./answer-logits.ts";
import { compareLogits, type LogitDifference } from "./compare-logits.ts";
import { type LayerError, layerErrors } from "./layer-errors.ts";
import { type AccuracyModel, PromptReader } from "./prompt-reader.ts";
import type { AccuracyPrompt } from "./sample-prompts.ts";

/** Tokens of each answer that are compared. */
const ANSWER_TOKENS = 32;

/** What a precision costs in accuracy. */
export interface PresetAccuracy extends LogitDifference {
  preset: Preset;
  /** Tokens that the greedy answer shares with float32's before they part: mean over the prompts, of `answerTokens`. */
  greedyTokens: number;
  answerTokens: number;
  /** All layers that are not float32, the worst first. Empty where they were not asked for. */
  layers: LayerError[];
}

export interface AccuracyOptions extends PresetOptions {
  runtime: Runtime;
  prompts: readonly AccuracyPrompt[];
  /** Tokens of each answer. Default 32. */
  answerTokens?: number;
  /** Rounds with error feedback what it knows. */
  calibration?: Calibration;
  cacheDir?: string;
  session?: SessionOptions;
  signal?: AbortSignal;
  /** Called before each preset with what is done now. */
  onStage?: (stage: string) => void;
}

/** Compares precisions of one model with its float32 answers, which are computed once. */
export class AccuracyJudge {
  readonly #checkpoint: Checkpoint;
  readonly #model: AccuracyModel;
  readonly #options: AccuracyOptions;
  #reference: Promise<AnswerLogits[]> | undefined;

  constructor(checkpoint: Checkpoint, model: AccuracyModel, options: AccuracyOptions) {
    if (options.prompts.length === 0)
      throw new RangeError("There are no prompts to compare answers to; give at least one.");
    this.#checkpoint = checkpoint;
    this.#model = model;
    this.#options = options;
  }

  /**
   * Compiles a preset if need be and compares it with float32.
   * @param overrides precisions of single layers, in place of the options' own
   * @example (await judge.judge("int4")).meanKl
   */
  async judge(preset: Preset, overrides = this.#options.overrides, withLayers = true): Promise<PresetAccuracy> {
    const { runtime, prompts, session = {}, signal, onStage, kernels } = this.#options;
    this.#reference ??= this.#answers("fp32", {});
    const reference = await this.#reference;
    const found = await this.#answers(preset, overrides ?? {}, reference);
    const vocabulary = this.#model.config.decoder.vocabSize;
    const each = reference.map(({ logits }, i) => compareLogits(logits, found[i]!.logits, vocabulary));
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const shared = reference.map(({ answer }, i) => greedyAgreement(answer, found[i]!.logits, vocabulary));
    if (withLayers) onStage?.(`${preset}: layers`);
    const layers = withLayers
      ? await layerErrors(this.#checkpoint, this.#model, prompts, {
          runtime,
          preset,
          overrides,
          kernels,
          session,
          signal,
        })
      : [];
    return {
      preset,
      meanKl: mean(each.map((one) => one.meanKl)),
      maxKl: Math.max(...each.map((one) => one.maxKl)),
      top1: mean(each.map((one) => one.top1)),
      greedyTokens: mean(shared),
      answerTokens: this.#options.answerTokens ?? ANSWER_TOKENS,
      layers,
    };
  }

  async #answers(
    preset: Preset,
    overrides: PresetOptions["overrides"],
    given?: readonly AnswerLogits[],
  ): Promise<AnswerLogits[]> {
    const { prompts, answerTokens = ANSWER_TOKENS, session = {}, cacheDir, signal, onStage } = this.#options;
    const { runtime, kernels, cache } = this.#options;
    onStage?.(`${preset}: compile`);
    const compiled = await compileCheckpoint(this.#checkpoint, this.#model.config, {
      preset,
      overrides,
      kernels,
      cache,
      calibration: this.#options.calibration,
      cacheDir,
      signal,
      runtime,
    });
    onStage?.(`${preset}: answers`);
    const load = (path: string) => runtime.createSession(path, { ...session, customOps: compiled.customOps });
    const decode = await load(compiled.decode);
    const shared = compiled.prefill === compiled.decode;
    const sessions = {
      vision: await load(compiled.vision),
      prefill: shared ? decode : await load(compiled.prefill),
      decode,
    };
    await using reader = await PromptReader.open(runtime, this.#model, sessions);
    const answers: AnswerLogits[] = [];
    for (const [i, prompt] of prompts.entries()) {
      signal?.throwIfAborted();
      answers.push(await answerLogits(reader, prompt, answerTokens, given?.[i]?.answer));
    }
    return answers;
  }
}
