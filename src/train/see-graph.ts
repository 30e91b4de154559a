/** @file The graph of one step of teaching the tower to see: a class for each half of each patch and for its place, from a throw-away head. */

import type { Tensor } from "../engine/index.ts";
import { input, linear, logProbOf, mul, neg, reduceSum, reshape, scoped, type Value, weight } from "../graph/index.ts";
import { type FlashVLConfig, type Parameter, Parameters, tower, trainedTowerAttend } from "../model/index.ts";
import { LABELS_PER_PATCH } from "../tasks/index.ts";
import type { StepGraph } from "./step-session.ts";

/** Which place a patch belongs to is learnt sooner than what it shows, and needs less of the gradient. */
const PLACE_WEIGHT = 0.3;

/** Of a patch's labels the last is its place. */
export const isPlace = (label: number): boolean => label % LABELS_PER_PATCH === LABELS_PER_PATCH - 1;

/** The linear head of this stage; it is not part of the model and is thrown away afterwards. */
export const seeHead = (config: FlashVLConfig, classes: number): Parameter[] => [
  {
    name: "see.head.weight",
    shape: [LABELS_PER_PATCH * classes, config.vision.hiddenSize],
    part: "unused",
    required: true,
  },
  { name: "see.head.bias", shape: [LABELS_PER_PATCH * classes], part: "unused", required: true },
];

/** Labels of so many pictures. */
export const seeLabels = ({ vision }: FlashVLConfig, images: number): number =>
  images * (vision.imageSize / vision.patchSize) ** 2 * LABELS_PER_PATCH;

/**
 * -Σ weight·log p(class) over labels, from the tower's output [images, patches, hidden].
 * Inputs it adds: `see_targets` int64 and `see_weights` float32, both [images·patches·3].
 */
export function seeLoss(config: FlashVLConfig, patches: Value, classes: number): { loss: Value; logProbs: Value } {
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
export function seeGraph(config: FlashVLConfig, images: number, classes: number): StepGraph {
  const size = config.vision.imageSize;
  const pixels = input("pixels", "float32", [images, 3, size, size]);
  const seen = tower(new Parameters(config), config, pixels, trainedTowerAttend(config.vision));
  const { loss, logProbs } = seeLoss(config, seen, classes);
  return { loss, outputs: { log_probs: logProbs } };
}

/** Nothing to see, or no place. */
const EMPTY = 0;

/** Fills targets and weights for these pictures' labels; weights are 1, `emptyWeight` on nothing, and sum to `total`. */
export function fillSeeLabels(
  inputs: ReadonlyMap<string, Tensor>,
  pictures: readonly ArrayLike<number>[],
  emptyWeight: number,
  total = 1,
): void {
  const targets = (inputs.get("see_targets")!.data as BigInt64Array).fill(0n);
  const weights = (inputs.get("see_weights")!.data as Float32Array).fill(0);
  let [at, sum] = [0, 0];
  for (const labels of pictures)
    for (let j = 0; j < labels.length; j++, at++) {
      targets[at] = BigInt(labels[j]!);
      weights[at] = (labels[j] === EMPTY ? emptyWeight : 1) * (isPlace(j) ? PLACE_WEIGHT : 1);
      sum += weights[at]!;
    }
  for (let i = 0; i < at; i++) weights[i]! *= total / sum;
}
