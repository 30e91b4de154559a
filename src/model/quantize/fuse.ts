/** @file Passes that give kernels what they take in one piece: q, k and v of the decoder as one product, the tower's attention. */
import {
  apply,
  linear,
  linearOp,
  type Node,
  rewrite,
  scoped,
  sourceName,
  towerAttention,
  type Value,
  weight,
} from "../../graph/index.ts";
import type { GraphOutputs } from "../inference-graphs.ts";
import { planned, type QuantizePlan, weightOf } from "./quantize-graph.ts";
import type { ConcatRecipe } from "./recipes.ts";

const isLinear = (v: Value | undefined): v is Value => v?.node.op.name === linearOp.name;

/** Rows of a panel of the native kernel: only parts of whole panels can stand one after the other. */
const PANEL = 16;

/** One weight out of several that stand one after the other. */
function stacked(name: string, parts: readonly Value[]): Value {
  const rows = parts.reduce((sum, part) => sum + (part.shape[0] as number), 0);
  const recipe: ConcatRecipe = { kind: "concat", sources: parts.map(sourceName) };
  return weight(name, "float32", [rows, ...parts[0]!.shape.slice(1)], recipe);
}

/** The one product that replaces three, or undefined where they differ in input, precision or biases. */
function packed(node: Node, plan: QuantizePlan, now: (v: Value) => Value): Value | undefined {
  const [q, k, v] = node.inputs;
  if (!isLinear(q) || !isLinear(k) || !isLinear(v)) return undefined;
  const layers = [q, k, v].map(({ node: { inputs } }) => ({ x: inputs[0]!, w: weightOf(inputs[1]), bias: inputs[2] }));
  const weights = layers.flatMap(({ w }) => w ?? []);
  const biases = layers.flatMap(({ bias }) => (bias && weightOf(bias) === bias ? [bias] : []));
  const alike =
    weights.length === 3 &&
    biases.length === 3 &&
    layers.every(({ x }) => x === layers[0]!.x) &&
    new Set(weights.map((w) => planned(w, plan))).size === 1 &&
    weights.every((w) => (w.shape[0] as number) % PANEL === 0);
  if (!alike) return undefined;
  const at = sourceName(weights[0]!).replace(/q_proj\.weight$/, "qkv_proj");
  return scoped(q.node.scope, () =>
    linear(now(layers[0]!.x), stacked(`${at}.weight`, weights), stacked(`${at}.bias`, biases)),
  );
}

/**
 * Computes q, k and v of each decoder layer as one product that goes into the attention as it is. Layers whose three parts
 * have different precisions in the plan stay as they are.
 * @returns the new graph, and the plan with a rule for every fused layer
 */
export function fusePackedQkv(outputs: GraphOutputs, plan: QuantizePlan): [GraphOutputs, QuantizePlan] {
  const rules = [...plan.rules];
  const values = rewrite(Object.values(outputs), (node, inputs, now) => {
    if (node.op.name !== "GroupQueryAttention" || !node.inputs[1]) return undefined;
    const qkv = packed(node, plan, now);
    if (!qkv) return undefined;
    const name = sourceName(qkv.node.inputs[1]!).replace(/\.weight$/, "");
    rules.push([name, planned(weightOf(node.inputs[0]!.node.inputs[1])!, plan)]);
    return scoped(node.scope, () => apply(node.op, [qkv, undefined, undefined, ...inputs.slice(3)], node.attrs));
  });
  return [named(outputs, values), { ...plan, rules }];
}

/** The tower's attention by the native kernel. @param exact float32 throughout */
export function useTowerAttention(outputs: GraphOutputs, exact = false): GraphOutputs {
  const values = rewrite(Object.values(outputs), (node, [q, k, v]) => {
    if (node.op.name !== "MultiHeadAttention") return undefined;
    const { heads, scale } = node.attrs as { heads: number; scale: number };
    return scoped(node.scope, () => [towerAttention(q!, k!, v!, heads, scale, exact)]);
  });
  return named(outputs, values);
}

const named = (outputs: GraphOutputs, values: readonly Value[]): GraphOutputs =>
  Object.fromEntries(Object.keys(outputs).map((name, i) => [name, values[i]!]));
