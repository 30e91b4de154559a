/** @file The lesson that joins the two halves: a picture token is told the words of what stands in its place. */

import type { Tensor } from "../engine/index.ts";
import { input, mul, neg, reduceSum, reshape, rmsNorm, scoped, type Value } from "../graph/index.ts";
import type { FlashVLConfig, Parameters } from "../model/index.ts";
import type { PictureWord } from "./data/sequence.ts";
import { tokenLogProbs } from "./loss/token-log-probs.ts";

/** Words of one picture token that a step has room for, on average: most names are one or two tokens in each language. */
const WORDS_PER_TOKEN = 4;

/** Room for the words of so many pictures. */
export const wordPlaces = ({ imageTokens }: FlashVLConfig, images: number): number =>
  images * imageTokens * WORDS_PER_TOKEN;

/**
 * -Σ weight·log p(word) where p comes from the decoder's final norm and head applied to a picture token as it enters the
 * decoder: the token is drawn to the embeddings of its names. So a name in a question and the place that shows it point
 * the same way, and attention finds one by the other. Reading the head at inner states is nostalgebraist's "logit lens"
 * (2020); here it is a loss.
 * Inputs it adds: `word_rows` int64 (row of images·imageTokens), `word_targets` int64, `word_weights` float32, [wordPlaces].
 * @param tokens [images, imageTokens, hidden]
 */
export function wordsLoss(p: Parameters, config: FlashVLConfig, tokens: Value): Value {
  return scoped("words", () => {
    const [images, imageTokens] = tokens.shape as [number, number];
    const { hiddenSize, normEpsilon } = config.decoder;
    const count = wordPlaces(config, images);
    const rows = input("word_rows", "int64", [count]);
    const targets = input("word_targets", "int64", [count]);
    const weights = input("word_weights", "float32", [count]);
    const flat = reshape(tokens, [images * imageTokens, hiddenSize]);
    const normed = rmsNorm(flat, p.get("llm.model.norm.weight"), normEpsilon);
    const { logProbs } = tokenLogProbs(p, normed, rows, targets, { chunk: count });
    return neg(reduceSum(mul(logProbs, weights), [0]));
  });
}

/** Fills the inputs for these pictures' words; weights sum to `total`. What finds no room is left out. */
export function fillWords(
  inputs: ReadonlyMap<string, Tensor>,
  config: FlashVLConfig,
  pictures: readonly (readonly PictureWord[])[],
  total: number,
): void {
  const rows = (inputs.get("word_rows")!.data as BigInt64Array).fill(0n);
  const targets = (inputs.get("word_targets")!.data as BigInt64Array).fill(0n);
  const weights = (inputs.get("word_weights")!.data as Float32Array).fill(0);
  let [at, sum] = [0, 0];
  for (const [picture, words] of pictures.entries())
    for (const { token, id, weight } of words) {
      if (at === rows.length) break;
      rows[at] = BigInt(picture * config.imageTokens + token);
      targets[at] = BigInt(id);
      weights[at] = weight;
      sum += weight;
      at++;
    }
  for (let i = 0; i < at; i++) weights[i]! *= total / sum;
}
