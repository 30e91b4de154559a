/** @file The pass that multiplies factors per channel into the weights of the layer before them. */
import {
  type GraphOutputs,
  isOp,
  isResultOf,
  isWeight,
  linear,
  linearOp,
  mulOp,
  type Rewritten,
  rewrite,
  sourceName,
  type Value,
  weight,
} from "../graph/index.ts";
import { layerName, sourcesOf, weightOf } from "./quantize/quantize-graph.ts";
import type { ConcatRecipe } from "./weights/recipes.ts";

/** A weight whose rows are multiplied by those of `factors` when its bytes are made. */
function withRowFactors(w: Value, name: string, factors: Value): Value {
  const recipe: ConcatRecipe = { kind: "concat", sources: sourcesOf(w), rowFactors: sourceName(factors) };
  return weight(name, w.dtype, w.shape as number[], recipe);
}

/**
 * (x·Wᵀ + b)·s as x·(s·W)ᵀ + s·b, where s is a weight: InternViT scales each half of a layer so. What follows the layer can
 * then be fused with its product.
 * @example foldScales(visionGraph(config)).features
 */
export const foldScales = <T extends GraphOutputs>(outputs: T): Rewritten<T> =>
  rewrite(outputs, (node, _, now) => {
    const [product, factors] = node.inputs;
    if (!isOp(node, mulOp) || !isResultOf(product, linearOp) || !factors || !isWeight(factors)) return undefined;
    const [x, w, bias] = product.node.inputs;
    const stored = weightOf(w);
    if (!stored || stored !== w || (bias && !isWeight(bias)) || factors.shape.length !== 1) return undefined;
    const name = layerName(stored);
    const scaledBias = bias && withRowFactors(bias, `${name}.scaled.bias`, factors);
    return [linear(now(x!), withRowFactors(stored, `${name}.scaled.weight`, factors), scaledBias)];
  });
