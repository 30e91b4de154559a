/** @file Passes that give kernels what they take in one piece: q, k and v as one product, gate and up as one, attention. */
import {
  apply,
  cachedAttention,
  concat,
  input,
  linear,
  linearOp,
  type Node,
  rewrite,
  scoped,
  sourceName,
  swiGlu,
  towerAttention,
  type Value,
  weight,
} from "../../graph/index.ts";
import type { CacheType, GraphOutputs } from "../inference-graphs.ts";
import { layerName, planned, type QuantizePlan, weightOf } from "./quantize-graph.ts";
import type { ConcatRecipe } from "./recipes.ts";
import { schemeFor } from "./scheme.ts";

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
    rules.push([layerName(qkv.node.inputs[1]!), planned(weightOf(node.inputs[0]!.node.inputs[1])!, plan)]);
    return scoped(node.scope, () => apply(node.op, [qkv, undefined, undefined, ...inputs.slice(3)], node.attrs));
  });
  return [named(outputs, values), { ...plan, rules }];
}

/**
 * Computes gate and up of each decoder layer as one product, of which the native kernel makes silu(gate)·up. Layers whose two
 * parts have different precisions in the plan, or another than blockwise, stay as they are.
 * @param plain layers that keep their floats are fused too
 * @returns the new graph, and the plan with a rule for every fused layer
 */
export function fuseGateUp(outputs: GraphOutputs, plan: QuantizePlan, plain = false): [GraphOutputs, QuantizePlan] {
  const rules = [...plan.rules];
  const values = rewrite(Object.values(outputs), (node, _, now) => {
    const [silu, up] = node.inputs;
    const gate = silu?.node.inputs[0];
    if (node.op.name !== "Mul" || silu?.node.op.name !== "Silu" || !isLinear(gate) || !isLinear(up)) return undefined;
    const weights = [gate, up].flatMap(({ node }) => (node.inputs[2] ? [] : (weightOf(node.inputs[1]) ?? [])));
    const [scheme, ...others] = new Set(weights.map((w) => planned(w, plan)));
    const alike = weights.length === 2 && others.length === 0 && gate.node.inputs[0] === up.node.inputs[0];
    if (!alike) return undefined;
    const [n, k] = weights[0]!.shape as [number, number];
    const { kind } = schemeFor(scheme!, k);
    if (n % PANEL !== 0 || !(kind === "blockwise" || (plain && kind === "fp32"))) return undefined;
    const name = sourceName(weights[0]!).replace(/gate_proj\.weight$/, "gate_up_proj");
    rules.push([name, scheme!]);
    return scoped(gate.node.scope, () => [
      swiGlu(linear(now(gate.node.inputs[0]!), stacked(`${name}.weight`, weights))),
    ]);
  });
  return [named(outputs, values), { ...plan, rules }];
}

/**
 * The tower's attention by the native kernel, with q, k and v as one product where the plan gives them one precision.
 * @param exact float32 throughout
 * @returns the new graph, and the plan with a rule for every fused layer
 */
export function useTowerAttention(
  outputs: GraphOutputs,
  plan: QuantizePlan,
  exact = false,
): [GraphOutputs, QuantizePlan] {
  const rules = [...plan.rules];
  const values = rewrite(Object.values(outputs), (node, [q, k, v], now) => {
    if (node.op.name !== "MultiHeadAttention") return undefined;
    const { heads, scale } = node.attrs as { heads: number; scale: number };
    const qkv = packed(node, plan, now);
    if (qkv) rules.push([layerName(qkv.node.inputs[1]!), planned(weightOf(node.inputs[0]!.node.inputs[1])!, plan)]);
    return scoped(node.scope, () => [
      qkv
        ? towerAttention(qkv, undefined, undefined, heads, scale, exact)
        : towerAttention(q!, k!, v!, heads, scale, exact),
    ]);
  });
  return [named(outputs, values), { ...plan, rules }];
}

/**
 * The decoder's attention by the native kernel. Each sequence of a run then names the row of the cache that is its own: past
 * and present are the whole cache, and input `slots` int32 [batch] says which rows. Instead of `batch` rows, inputs
 * `past.{i}.key|value` have `slots` of them.
 * @param cache what keys and values are kept in
 */
export function useCachedAttention(outputs: GraphOutputs, cache: CacheType): GraphOutputs {
  const slots = input("slots", "int32", ["batch"]);
  const values = rewrite(Object.values(outputs), (node, inputs) => {
    if (node.op.name !== "GroupQueryAttention") return undefined;
    const [q, k, v, pastKey, pastValue, lastPositions, , cos, sin] = inputs as Value[];
    const { heads, kvHeads, scale } = node.attrs as { heads: number; kvHeads: number; scale: number };
    const pasts = [pastKey!, pastValue!].map((past) =>
      input(sourceName(past), cache, ["slots", ...past.shape.slice(1)]),
    ) as [Value, Value];
    return scoped(node.scope, () => {
      const qkv = k ? concat([q!, k, v!], -1) : q!;
      return cachedAttention(
        qkv,
        pasts,
        { slots, lastPositions: lastPositions!, cos: cos!, sin: sin! },
        { heads, kvHeads, scale },
      );
    });
  });
  return named(outputs, values);
}

const named = (outputs: GraphOutputs, values: readonly Value[]): GraphOutputs =>
  Object.fromEntries(Object.keys(outputs).map((name, i) => [name, values[i]!]));
