/** @file The graph of one supervised step: packed sequences with pictures to a weighted sum of token losses. */

import { add, input, mul, neg, reduceSum, type Value } from "../graph/index.ts";
import { type FlashVLConfig, Parameters, type SequenceShape, seenPictures, sequenceHidden } from "../model/index.ts";
import { TrainingInputError } from "./input-error.ts";
import { tokenLogProbs } from "./loss/token-log-probs.ts";
import { type LayerLook, pointingLoss } from "./pointing-graph.ts";
import { seeLoss } from "./see-graph.ts";
import type { StepGraph } from "./step-session.ts";
import { wordsLoss } from "./words-graph.ts";

export interface SftShape extends SequenceShape {
  /** Labelled tokens per step; unused places carry weight 0. */
  readonly labels: number;
  /** Rows that meet the LM head at once; divides `labels`. */
  readonly headChunk: number;
  /** The tower's own lesson beside the conversations: number of classes that a half patch can show. */
  readonly seeClasses?: number;
  /** Whether picture tokens are taught the words of what they show. */
  readonly words?: boolean;
  /** Which head is taught to look at what a name in the text names. */
  readonly pointing?: { readonly layer: number; readonly head: number };
}

/**
 * loss = -Σ weight·log p(target). With weight 1/N for the N trained tokens of the whole optimiser step this is their mean
 * cross-entropy, however they are spread over batches.
 *
 * Inputs: those of `sequenceHidden`, `pixels`, and `label_rows`
 * int64 [labels] (rows·length index of the token before), `targets` int64 [labels], `weights` float32 [labels].
 * Lessons are added where the shape asks for them (`seeLoss`, `wordsLoss`, `pointingLoss`), each with its inputs.
 * Outputs: `loss`, `log_probs` [labels], `correct` [labels] (1 where the target is the most likely token), and beside
 * lessons `chat_loss` (the conversations' part) and the loss of each.
 */
export function sftGraph(config: FlashVLConfig, shape: SftShape): StepGraph {
  const p = new Parameters(config);
  const pictures = seenPictures(p, config, shape.images);
  let look: LayerLook | undefined;
  const hidden = sequenceHidden(p, config, shape, pictures.tokens, (layer, q, k) => {
    if (layer === shape.pointing?.layer) look = { q, k };
  });
  if (shape.pointing && !(look && shape.pointing.head < config.decoder.heads)) {
    const { layers, heads } = config.decoder;
    const { layer, head } = shape.pointing;
    throw new TrainingInputError(
      `see.pointing names head ${head} of layer ${layer}; expected head 0 to ${heads - 1} of layer 0 to ${layers - 1}`,
    );
  }
  const rows = input("label_rows", "int64", [shape.labels]);
  const targets = input("targets", "int64", [shape.labels]);
  const weights = input("weights", "float32", [shape.labels]);
  const { logProbs, correct } = tokenLogProbs(p, hidden, rows, targets, { chunk: shape.headChunk });
  const chatLoss = neg(reduceSum(mul(logProbs, weights), [0]));
  const lessons: Record<string, Value> = {
    ...(shape.seeClasses ? { see_loss: seeLoss(config, pictures.patches, shape.seeClasses).loss } : {}),
    ...(shape.words ? { words_loss: wordsLoss(p, config, pictures.tokens) } : {}),
    ...(look ? { pointing_loss: pointingLoss(config.decoder, shape, look, shape.pointing!.head) } : {}),
  };
  const outputs = { log_probs: logProbs, correct };
  if (Object.keys(lessons).length === 0) return { loss: chatLoss, outputs };
  return {
    loss: Object.values(lessons).reduce(add, chatLoss),
    outputs: { ...outputs, chat_loss: chatLoss, ...lessons },
  };
}
