/** @file Labelled pictures for stage 0: boards, and in between learning sheets. */

import { type PreprocessorConfig, preprocessImage } from "flashvl/processor";
import { drawBoards, mixSeed, type PictureChoice, patchClasses, trainingSeed } from "../market/index.ts";

/** One labelled picture. */
export interface SeeSample {
  /** [3, size, size], normalised. */
  readonly pixels: Float32Array;
  /** Class under the left and right half of each patch, and its place; patches row by row: [patches·3]. 0 is nothing. */
  readonly labels: ArrayLike<number>;
}

export interface SeeSampleOptions {
  readonly seed: number;
  /** Drawing threads. */
  readonly workers?: number;
  /** Share of the pictures that are learning sheets; they have two to three times as much on them as boards. */
  readonly sheets?: number;
  /** Share of the pictures that are of the wide world. */
  readonly wide?: number;
}

export const seeClasses = patchClasses.length;

/** Names of the streams that decide what picture a sample is. */
const [SHEET, WORLD] = [201, 202];

/** Samples from number `start` on, without end and always the same. */
export async function* seeSamples(
  preprocessor: PreprocessorConfig,
  { seed, workers = 1, sheets = 0, wide = 0 }: SeeSampleOptions,
  start: number,
): AsyncGenerator<SeeSample> {
  function* seeds() {
    for (let index = start; ; index++) yield trainingSeed(seed, index);
  }
  const share = (picture: number, stream: number): number => mixSeed(picture, stream) / 2 ** 32;
  const choose = (picture: number): PictureChoice => ({
    sheet: share(picture, SHEET) < sheets,
    world: share(picture, WORLD) < wide ? "wide" : "first",
  });
  for await (const drawn of drawBoards({ seeds: seeds(), workers, split: "train", choose }))
    yield { pixels: preprocessImage(drawn.image, preprocessor), labels: drawn.patchLabels };
}
