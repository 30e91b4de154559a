/** @file The graphs of a training on preference pairs: log-probabilities of both answers, and the loss over them. */

import { input } from "../graph/index.ts";
import { type ModelConfig, parametersOf, sequenceHidden } from "../model/index.ts";
import { preferenceLoss } from "./loss/preference-loss.ts";
import type { PreferenceOptions } from "./loss/preference-terms.ts";
import { type TokenMeasure, tokenLogProbs } from "./loss/token-log-probs.ts";
import { type PictureInput, pictureFeatures } from "./picture-input.ts";
import type { SftShape } from "./sft-graph.ts";
import type { StepGraph } from "./step-session.ts";

export interface DpoShape extends SftShape {
  /** Most pairs of a batch. */
  readonly pairs: number;
  /** What pairs hold of their pictures; default "pixels". */
  readonly pictures?: PictureInput;
}

export interface DpoGraphOptions extends PreferenceOptions {
  /** Weights pairs by how likely the model is to write them. */
  readonly wpo: boolean;
}

function answers(config: ModelConfig, shape: DpoShape, wpo: boolean) {
  const p = parametersOf(config);
  const hidden = sequenceHidden(p, config, shape, pictureFeatures(p, config, shape.images, shape.pictures));
  const rows = input("label_rows", "int64", [shape.labels]);
  const targets = input("targets", "int64", [shape.labels]);
  const measures: TokenMeasure[] = ["entropy", "mean_logit", ...(wpo ? (["alignment"] as const) : [])];
  return tokenLogProbs(p, hidden, rows, targets, { chunk: shape.headChunk, measures });
}

/** Without a loss: for the reference's sums and for validation. Inputs as `sftGraph`, without the weights, or `PICTURE_TOKENS` in place of `pixels`. */
export function pairScoreGraph(config: ModelConfig, shape: DpoShape, wpo: boolean): StepGraph {
  const { logProbs, correct, measures } = answers(config, shape, wpo);
  return { outputs: { log_probs: logProbs, correct, ...measures } };
}

/**
 * One pass for the sums, the loss and its gradients.
 * Inputs: those of `pairScoreGraph` and of `PreferenceInputs`, by the names below.
 * Outputs: `loss`, and per label `log_probs`, `correct`, `entropy`, `mean_logit`, with `wpo` also `alignment`.
 */
export function dpoGraph(config: ModelConfig, shape: DpoShape, options: DpoGraphOptions): StepGraph {
  const { logProbs, correct, measures } = answers(config, shape, options.wpo);
  const floats = (name: string, n: number) => input(name, "float32", [n]);
  const loss = preferenceLoss(
    {
      logProbs,
      alignment: measures.alignment,
      answerOf: input("answer_of", "int64", [shape.labels]),
      lengthWeights: floats("length_weights", shape.labels),
      sftShares: floats("sft_shares", shape.labels),
      references: floats("references", 2 * shape.pairs),
      inverseLengths: floats("inverse_lengths", 2 * shape.pairs),
      tokenShares: floats("token_shares", shape.labels),
      pairWeights: floats("pair_weights", shape.pairs),
      shift: input("shift", "float32", []),
    },
    options,
  );
  return { loss, outputs: { log_probs: logProbs, correct, ...measures } };
}
