/** @file The graph of one supervised step: packed sequences with pictures to a weighted sum of token losses. */

import { add, input, mul, neg, reduceSum, type Value } from "../graph/index.ts";
import { type ModelConfig, parametersOf, seenPictures, sequenceHidden } from "../model/index.ts";
import type { AuxiliaryLoss } from "./auxiliary-loss.ts";
import type { BatchShape } from "./data/batches.ts";
import { tokenLogProbs } from "./loss/token-log-probs.ts";
import type { StepGraph } from "./step-session.ts";

export interface SftShape extends BatchShape {
  /** Rows that meet the LM head at once; divides `labels`. */
  readonly headChunk: number;
}

/**
 * loss = -Σ weight·log p(target). With weight 1/N for the N trained tokens of the whole optimiser step this is their mean
 * cross-entropy, however they are spread over batches.
 *
 * Inputs: those of `sequenceHidden`, `pixels`, and `label_rows`
 * int64 [labels] (rows·length index of the token before), `targets` int64 [labels], `weights` float32 [labels].
 * Outputs: `loss`, `log_probs` [labels], `correct` [labels] (1 where the target is the most likely token), and beside
 * auxiliary losses `chat_loss` (the conversations' part) and `<name>_loss` of each.
 * @param auxiliary terms that are added to the loss, each with its inputs
 */
export function sftGraph(config: ModelConfig, shape: SftShape, auxiliary: readonly AuxiliaryLoss[] = []): StepGraph {
  const parameters = parametersOf(config);
  const pictures = seenPictures(parameters, config, shape.images);
  const layers: { q: Value; k: Value }[] = [];
  const hidden = sequenceHidden(parameters, config, shape, pictures.tokens, (layer, q, k) => {
    layers[layer] = { q, k };
  });
  const rows = input("label_rows", "int64", [shape.labels]);
  const targets = input("targets", "int64", [shape.labels]);
  const weights = input("weights", "float32", [shape.labels]);
  const { logProbs, correct } = tokenLogProbs(parameters, hidden, rows, targets, { chunk: shape.headChunk });
  const chatLoss = neg(reduceSum(mul(logProbs, weights), [0]));
  const outputs = { log_probs: logProbs, correct };
  if (auxiliary.length === 0) return { loss: chatLoss, outputs };
  const { patches, tokens: pictureTokens } = pictures;
  const values = { config, shape, parameters, patches, pictureTokens, hidden, layers };
  const terms = Object.fromEntries(auxiliary.map((one) => [`${one.name}_loss`, one.term(values)]));
  return {
    loss: Object.values(terms).reduce(add, chatLoss),
    outputs: { ...outputs, chat_loss: chatLoss, ...terms },
  };
}
