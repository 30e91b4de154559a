/** @file FlashVL's adapter: pixel shuffle turns four patches into one token, three layers fit it to the decoder. */

import { gelu, layerNorm, linear, scoped, type Value } from "../../graph/index.ts";
import type { ModelConfig } from "../config.ts";
import { layerNormTensors, linearTensors, type Parameters, type Tensor } from "../parameters.ts";
import { CONNECTOR_EPSILON, type Connector, pixelShuffle } from "./connector.ts";

/** The layers of an adapter that reads `inputs` numbers per token. */
export const adapterTensors = ({ connector, decoder }: ModelConfig, inputs: number): Tensor[] => [
  ...layerNormTensors("adp.p0.0", inputs),
  ...linearTensors("adp.p0.1", connector.hiddenSize, inputs),
  ...linearTensors("adp.p0.3", connector.hiddenSize, connector.hiddenSize),
  ...linearTensors("adp.proj", decoder.hiddenSize, connector.hiddenSize),
];

/** Tokens [n, tokens, inputs] → [n, tokens, decoder hidden]. */
export function adapterLayers(p: Parameters, tokens: Value): Value {
  const dense = (name: string, v: Value) => linear(v, p.get(`${name}.weight`), p.get(`${name}.bias`));
  const normed = layerNorm(tokens, p.get("adp.p0.0.weight"), p.get("adp.p0.0.bias"), CONNECTOR_EPSILON);
  return dense("adp.proj", gelu(dense("adp.p0.3", gelu(dense("adp.p0.1", normed)))));
}

export const adapter: Connector = {
  tensors: (config) => adapterTensors(config, 4 * config.vision.hiddenSize),
  build: (p, { vision, connector }, x) =>
    scoped("adapter", () =>
      adapterLayers(p, pixelShuffle(x, vision.imageSize / vision.patchSize, vision.hiddenSize, connector.tokenOrder)),
    ),
};
