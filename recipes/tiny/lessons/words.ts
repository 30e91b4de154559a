/** @file The lesson that joins the two halves: a picture token is told the words of what stands in its place. */

import { input, mul, neg, reduceSum, reshape, scoped, type Value } from "flashvl/graph";
import { finalNorm, type ModelConfig, type Parameters } from "flashvl/model";
import { type OpenAuxiliaryLoss, type Tensor, tokenLogProbs } from "flashvl/train";
import { z } from "zod";
import { extrasOf, type PictureWord } from "./extras.ts";

/** Words of one picture token that a step has room for, on average: most names are one or two tokens in each language. */
const WORDS_PER_TOKEN = 4;

/** Room for the words of so many pictures. */
export const wordPlaces = ({ windowTokens }: ModelConfig, images: number): number =>
  images * windowTokens * WORDS_PER_TOKEN;

/**
 * -Σ weight·log p(word) where p comes from the decoder's final norm and head applied to a picture token as it enters the
 * decoder: the token is drawn to the embeddings of its names. So a name in a question and the place that shows it point
 * the same way, and attention finds one by the other. Reading the head at inner states is nostalgebraist's "logit lens"
 * (2020); here it is a loss.
 * Inputs it adds: `word_rows` int64 (row of images·imageTokens), `word_targets` int64, `word_weights` float32, [wordPlaces].
 * @param tokens [windows, tokens of a window, hidden]
 */
export function wordsLoss(p: Parameters, config: ModelConfig, tokens: Value): Value {
  return scoped("words", () => {
    const [images, imageTokens] = tokens.shape as [number, number];
    const { hiddenSize } = config.decoder;
    const count = wordPlaces(config, images);
    const rows = input("word_rows", "int64", [count]);
    const targets = input("word_targets", "int64", [count]);
    const weights = input("word_weights", "float32", [count]);
    const flat = reshape(tokens, [images * imageTokens, hiddenSize]);
    const normed = finalNorm(p, config.decoder, flat);
    const { logProbs } = tokenLogProbs(p, normed, rows, targets, { chunk: count });
    return neg(reduceSum(mul(logProbs, weights), [0]));
  });
}

/** Fills the inputs for these pictures' words; weights sum to `total`. What finds no room is left out. */
export function fillWords(
  inputs: ReadonlyMap<string, Tensor>,
  config: ModelConfig,
  pictures: readonly { readonly words: readonly PictureWord[]; readonly windows: number }[],
  total: number,
): void {
  const rows = (inputs.get("word_rows")!.data as BigInt64Array).fill(0n);
  const targets = (inputs.get("word_targets")!.data as BigInt64Array).fill(0n);
  const weights = (inputs.get("word_weights")!.data as Float32Array).fill(0);
  let [at, sum, window] = [0, 0, 0];
  for (const { words, windows } of pictures) {
    for (const { token, id, weight } of words) {
      if (at === rows.length) break;
      rows[at] = BigInt(window * config.windowTokens + token);
      targets[at] = BigInt(id);
      weights[at] = weight;
      sum += weight;
      at++;
    }
    window += windows;
  }
  for (let i = 0; i < at; i++) weights[i]! *= total / sum;
}

const open: OpenAuxiliaryLoss = (options, { config }) => {
  z.strictObject({}).parse(options);
  return {
    name: "words",
    term: ({ parameters, pictureTokens }) => wordsLoss(parameters, config, pictureTokens),
    fill(inputs, batch, total) {
      const pictures = batch.rows.flat().flatMap((sample) =>
        sample.pictures.map((_, i) => ({
          words: extrasOf(sample).views?.[i]?.pictureWords ?? [],
          windows: sample.windows?.[i] ?? 1,
        })),
      );
      fillWords(inputs, config, pictures, total);
    },
  };
};
export default open;
