/** @file The form of inference graphs that GPUs run: few and plain kernels, and float16 where wanted. */
import { inHalf } from "../graph/index.ts";
import { fuseResiduals } from "./fuse-residuals.ts";
import type { GraphOutputs } from "./inference-graphs.ts";
import { usePlainProducts } from "./quantize/plain-products.ts";

/**
 * A graph as execution providers of GPUs take it. With `half`, weights, activations and the KV cache are float16; pictures,
 * embeddings, features and logits stay float32.
 * @example inDeviceForm(visionGraph(config), true).features
 */
export function inDeviceForm(outputs: GraphOutputs, half: boolean): GraphOutputs {
  const plain = usePlainProducts(fuseResiduals(outputs));
  if (!half) return plain;
  return inHalf(plain, {
    inputs: (name) => name.startsWith("past."),
    outputs: (name) => name.startsWith("present."),
  });
}
