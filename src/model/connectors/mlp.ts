/** @file InternVL's connector: pixel shuffle, a norm and two layers. */

import { gelu, layerNorm, linear, scoped, type Value } from "../../graph/index.ts";
import { layerNormTensors, linearTensors } from "../parameters.ts";
import { CONNECTOR_EPSILON, type Connector, pixelShuffle } from "./connector.ts";

export const mlp: Connector = {
  tensors: ({ vision, decoder }) => [
    ...layerNormTensors("adp.layer_norm", 4 * vision.hiddenSize),
    ...linearTensors("adp.linear_1", decoder.hiddenSize, 4 * vision.hiddenSize),
    ...linearTensors("adp.linear_2", decoder.hiddenSize, decoder.hiddenSize),
  ],
  build(p, { vision, connector }, x) {
    const dense = (name: string, v: Value) => linear(v, p.get(`${name}.weight`), p.get(`${name}.bias`));
    return scoped("adapter", () => {
      const tokens = pixelShuffle(x, vision.imageSize / vision.patchSize, vision.hiddenSize, connector.tokenOrder);
      const normed = layerNorm(tokens, p.get("adp.layer_norm.weight"), p.get("adp.layer_norm.bias"), CONNECTOR_EPSILON);
      return dense("adp.linear_2", gelu(dense("adp.linear_1", normed)));
    });
  },
};
