/** @file The graph of one step of teaching the tower to see: a class for each half of each patch and for its place, from a throw-away head. */

import { input, linear, logProbOf, mul, neg, reduceSum, reshape, scoped, type Value, weight } from "flashvl/graph";
import { type ModelConfig, type Parameter, parametersOf, tower, trainedTowerAttend } from "flashvl/model";
import type { StepGraph, Tensor } from "flashvl/train";
import { LABELS_PER_PATCH } from "../market/index.ts";

/** Which place a patch belongs to is learnt sooner than what it shows, and needs less of the gradient. */
const PLACE_WEIGHT = 0.3;

/** Of a patch's labels the last is its place. */
export const isPlace = (label: number): boolean => label % LABELS_PER_PATCH === LABELS_PER_PATCH - 1;

/** The linear head of this stage; it is not part of the model and is thrown away afterwards. */
export const seeHead = (config: ModelConfig, classes: number): Parameter[] => [
  {
    name: "see.head.weight",
    shape: [LABELS_PER_PATCH * classes, config.vision.hiddenSize],
    part: "auxiliary",
    role: "matrix",
    required: true,
  },
  { name: "see.head.bias", shape: [LABELS_PER_PATCH * classes], part: "auxiliary", role: "bias", required: true },
];

/** Labels of so many pictures. */
export const seeLabels = ({ vision }: ModelConfig, images: number): number =>
  images * (vision.imageSize / vision.patchSize) ** 2 * LABELS_PER_PATCH;

/**
 * -Σ weight·log p(class) over labels, from the tower's output [images, patches, hidden].
 * Inputs it adds: `see_targets` int64 and `see_weights` float32, both [images·patches·3].
 */
export function seeLoss(config: ModelConfig, patches: Value, classes: number): { loss: Value; logProbs: Value } {
  return scoped("see", () => {
    const labels = seeLabels(config, patches.shape[0] as number);
    const targets = input("see_targets", "int64", [labels]);
    const weights = input("see_weights", "float32", [labels]);
    const [w, b] = seeHead(config, classes).map((q) => weight(q.name, "float32", q.shape));
    const logProbs = logProbOf(reshape(linear(patches, w!, b), [labels, classes]), targets);
    return { loss: neg(reduceSum(mul(logProbs, weights), [0])), logProbs };
  });
}

/** Inputs: `pixels` float32 [images, 3, size, size] and those of `seeLoss`. Outputs: `loss`, `log_probs`. */
export function seeGraph(config: ModelConfig, images: number, classes: number): StepGraph {
  const size = config.vision.imageSize;
  const pixels = input("pixels", "float32", [images, 3, size, size]);
  const seen = tower(parametersOf(config), config, pixels, trainedTowerAttend(config.vision));
  const { loss, logProbs } = seeLoss(config, seen, classes);
  return { loss, outputs: { log_probs: logProbs } };
}

/** Nothing to see, or no place. */
const EMPTY = 0;

/**
 * Fills targets and weights for these pictures' labels; weights are 1, `emptyWeight` on nothing, and sum to `total`. A picture
 * whose labels are not known has weight 0.
 */
export function fillSeeLabels(
  inputs: ReadonlyMap<string, Tensor>,
  pictures: readonly (ArrayLike<number> | undefined)[],
  emptyWeight: number,
  total = 1,
): void {
  const targets = (inputs.get("see_targets")!.data as BigInt64Array).fill(0n);
  const weights = (inputs.get("see_weights")!.data as Float32Array).fill(0);
  let sum = 0;
  for (const [picture, labels] of pictures.entries()) {
    if (!labels) continue;
    const first = picture * labels.length;
    for (let j = 0; j < labels.length; j++) {
      targets[first + j] = BigInt(labels[j]!);
      weights[first + j] = (labels[j] === EMPTY ? emptyWeight : 1) * (isPlace(j) ? PLACE_WEIGHT : 1);
      sum += weights[first + j]!;
    }
  }
  if (sum > 0) for (let i = 0; i < weights.length; i++) weights[i]! *= total / sum;
}
