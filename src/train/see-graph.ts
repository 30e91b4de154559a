/** @file The graph of one step of teaching the tower to see: a class for each half of each patch, from a throw-away head. */

import { input, linear, logProbOf, mul, neg, reduceSum, reshape, scoped, weight } from "../graph/index.ts";
import { type FlashVLConfig, type Parameter, Parameters, primitiveTowerAttend, tower } from "../model/index.ts";
import type { StepGraph } from "./step-session.ts";

/** Labels per patch: what lies under the centres of its left and its right half. */
export const LABELS_PER_PATCH = 2;

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

/**
 * Inputs: `pixels` float32 [images, 3, size, size] · `targets` int64 [images·patches·2] · `weights` float32, same shape.
 * Outputs: `loss` = -Σ weight·log p(target), `log_probs`.
 */
export function seeGraph(config: FlashVLConfig, images: number, classes: number): StepGraph {
  const p = new Parameters(config);
  const size = config.vision.imageSize;
  const labels = images * (size / config.vision.patchSize) ** 2 * LABELS_PER_PATCH;
  const pixels = input("pixels", "float32", [images, 3, size, size]);
  const targets = input("targets", "int64", [labels]);
  const weights = input("weights", "float32", [labels]);
  const seen = tower(p, config, pixels, primitiveTowerAttend(config.vision)); // [images, patches, hidden]
  const logProbs = scoped("see", () => {
    const [w, b] = seeHead(config, classes).map((q) => weight(q.name, "float32", q.shape));
    return logProbOf(reshape(linear(seen, w!, b), [labels, classes]), targets);
  });
  return { loss: neg(reduceSum(mul(logProbs, weights), [0])), outputs: { log_probs: logProbs } };
}
