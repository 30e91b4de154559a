/** @file The graph of one supervised step: packed sequences with pictures to a weighted sum of token losses. */

import { add, input, mul, neg, reduceSum } from "../graph/index.ts";
import { type FlashVLConfig, Parameters, type SequenceShape, seenPictures, sequenceHidden } from "../model/index.ts";
import { tokenLogProbs } from "./loss/token-log-probs.ts";
import { seeLoss } from "./see-graph.ts";
import type { StepGraph } from "./step-session.ts";

export interface SftShape extends SequenceShape {
  /** Labelled tokens per step; unused places carry weight 0. */
  readonly labels: number;
  /** Rows that meet the LM head at once; divides `labels`. */
  readonly headChunk: number;
  /** The tower's own lesson beside the conversations: number of classes that a half patch can show. */
  readonly seeClasses?: number;
}

/**
 * loss = -Σ weight·log p(target). With weight 1/N for the N trained tokens of the whole optimiser step this is their mean
 * cross-entropy, however they are spread over batches.
 *
 * Inputs: those of `sequenceHidden`, `pixels`, and `label_rows`
 * int64 [labels] (rows·length index of the token before), `targets` int64 [labels], `weights` float32 [labels].
 * With `seeClasses` the loss of `seeLoss` is added, with its inputs, and `chat_loss` tells the conversations' part.
 * Outputs: `loss`, `log_probs` [labels], `correct` [labels] (1 where the target is the most likely token).
 */
export function sftGraph(config: FlashVLConfig, shape: SftShape): StepGraph {
  const p = new Parameters(config);
  const pictures = seenPictures(p, config, shape.images);
  const hidden = sequenceHidden(p, config, shape, pictures.tokens);
  const rows = input("label_rows", "int64", [shape.labels]);
  const targets = input("targets", "int64", [shape.labels]);
  const weights = input("weights", "float32", [shape.labels]);
  const { logProbs, correct } = tokenLogProbs(p, hidden, rows, targets, { chunk: shape.headChunk });
  const chatLoss = neg(reduceSum(mul(logProbs, weights), [0]));
  const outputs = { log_probs: logProbs, correct };
  if (!shape.seeClasses) return { loss: chatLoss, outputs };
  const see = seeLoss(config, pictures.patches, shape.seeClasses);
  return { loss: add(chatLoss, see.loss), outputs: { ...outputs, chat_loss: chatLoss } };
}
