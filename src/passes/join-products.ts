/** @file Passes that compute several products of one input as one: q, k and v, and gate and up. */

import {
  apply,
  type GraphOutputs,
  groupQueryAttentionOp,
  inPlaceOf,
  isOp,
  isResultOf,
  linear,
  linearOp,
  mulOp,
  type Node,
  PANEL_COLUMNS,
  type Rewritten,
  rewrite,
  siluOp,
  sourceName,
  swiGlu,
  type Value,
  weight,
} from "../graph/index.ts";
import { layerName, planned, type QuantizePlan, weightOf } from "./quantize/quantize-graph.ts";
import { type SchemeName, schemeFor } from "./quantize/scheme.ts";
import type { ConcatRecipe } from "./weights/recipes.ts";

/** Products of one input that can be computed as one. */
export interface Together {
  readonly x: Value;
  readonly weights: readonly Value[];
  readonly biases: readonly Value[];
  readonly scheme: SchemeName;
}

/**
 * The parts of `values`, if they are linear layers that read one input, have one precision, fill whole panels of the native
 * kernel, and all have a bias or none has; else undefined.
 */
export function together(values: readonly (Value | undefined)[], plan: QuantizePlan): Together | undefined {
  const products = values.flatMap((v) => (isResultOf(v, linearOp) ? [v.node.inputs] : []));
  const weights = products.flatMap(([, w]) => weightOf(w) ?? []);
  const biases = products.flatMap(([, , bias]) => (bias && weightOf(bias) === bias ? [bias] : []));
  const [scheme, ...others] = new Set(weights.map((w) => planned(w, plan)));
  const alike =
    weights.length === values.length &&
    others.length === 0 &&
    products.every(([x]) => x === products[0]![0]) &&
    (biases.length === values.length || products.every(([, , bias]) => !bias)) &&
    weights.every((w) => (w.shape[0] as number) % PANEL_COLUMNS === 0);
  return alike ? { x: products[0]![0]!, weights, biases, scheme: scheme! } : undefined;
}

/**
 * A name for layers that become one: "q_proj", "k_proj", "v_proj" → "qkv_proj" and "gate_proj", "up_proj" → "gate_up_proj",
 * behind the path of the first.
 */
function joinedName(layers: readonly string[]): string {
  const path = layers[0]!.slice(0, layers[0]!.lastIndexOf(".") + 1);
  const names = layers.map((layer) => layer.slice(layer.lastIndexOf(".") + 1));
  const ending = /_[^_]*$/.exec(names[0]!)?.[0] ?? "";
  const shared = names.every((name) => name.endsWith(ending)) ? ending : "";
  const own = names.map((name) => name.slice(0, name.length - shared.length));
  return path + own.join(own.every((name) => name.length === 1) ? "" : "_") + shared;
}

/** One weight that concatenates several. */
function stacked(name: string, parts: readonly Value[]): Value {
  const rows = parts.reduce((sum, part) => sum + (part.shape[0] as number), 0);
  const recipe: ConcatRecipe = { kind: "concat", sources: parts.map(sourceName) };
  return weight(name, "float32", [rows, ...parts[0]!.shape.slice(1)], recipe);
}

/** The joined product, in the place of the first of those that it replaces. */
export const joined = ({ x, weights, biases }: Together, first: Node, now: (v: Value) => Value): Value =>
  inPlaceOf(first, () => {
    const name = joinedName(weights.map(layerName));
    const bias = biases.length > 0 ? stacked(`${name}.bias`, biases) : undefined;
    return linear(now(x), stacked(`${name}.weight`, weights), bias);
  });

/**
 * Computes q, k and v of each decoder layer as one product, which the attention takes packed. Layers whose three parts
 * have different precisions in the plan stay as they are.
 * @example quantize(fusePackedQkv(decoderGraph(config), plan), plan)
 */
export const fusePackedQkv = <T extends GraphOutputs>(outputs: T, plan: QuantizePlan): Rewritten<T> =>
  rewrite(outputs, (node, [, , , ...cache], now) => {
    if (!isOp(node, groupQueryAttentionOp)) return undefined;
    const [q, k, v] = node.inputs;
    const qkv = together([q, k, v], plan);
    return qkv && apply(node.op, [joined(qkv, q!.node, now), undefined, undefined, ...cache], node.attrs);
  });

/**
 * Computes gate and up of each SwiGLU layer as one product, and silu(gate)·up of it in one op. Layers whose two
 * parts have different precisions in the plan, or another than blockwise, stay as they are.
 * @param plain layers that stay float32 are joined too
 */
export const fuseGateUp = <T extends GraphOutputs>(outputs: T, plan: QuantizePlan, plain = false): Rewritten<T> =>
  rewrite(outputs, (node, _, now) => {
    const [open, up] = node.inputs;
    if (!isOp(node, mulOp) || !isResultOf(open, siluOp)) return undefined;
    const gate = open.node.inputs[0]!;
    const both = together([gate, up], plan);
    if (!both || both.biases.length > 0) return undefined;
    const { kind } = schemeFor(both.scheme, both.x.shape.at(-1) as number);
    if (kind !== "blockwise" && !(plain && kind === "fp32")) return undefined;
    return inPlaceOf(gate.node, () => [swiGlu(joined(both, gate.node, now))]);
  });
