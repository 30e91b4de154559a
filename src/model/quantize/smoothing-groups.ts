/** @file Where smoothing can go: norms that only int8 layers read, so that a factor leaves one and enters the others. */
import { isWeight, linearOp, type Node, sourceName, topologicalOrder, type Value } from "../../graph/index.ts";
import type { GraphOutputs } from "../inference-graphs.ts";
import { planned, type QuantizePlan } from "./quantize-graph.ts";
import type { SchemeName } from "./scheme.ts";

/** Precisions whose kernels round activations to 8 bits. */
const ROUNDED: readonly SchemeName[] = ["w8a8", "int8"];

/** A norm whose output only `layers` read. */
export interface SmoothingGroup {
  /** The norm's output [.., k]. */
  rows: Value;
  k: number;
  /** Names of the norm's gain and, where it has one, bias. */
  norm: string[];
  /** Weights [n_i, k] of the layers. */
  layers: Value[];
}

/**
 * The norms of a float32 graph that take a factor per column: everything that reads one is a linear layer to which each of
 * the plans gives 8 bits. In FlashVL these are the norms before q, k, v, before gate and up, before the tower's fc1, and
 * the adapter's. Left alone, for want of such a norm: o_proj and down_proj (out_proj and fc2 in the tower), the adapter's
 * later layers, and the head, whose rows are picked after its norm.
 * @example smoothingGroups(visionGraph(config), [plans.vision]).map(({ norm }) => norm[0])
 */
export function smoothingGroups(outputs: GraphOutputs, plans: readonly QuantizePlan[]): SmoothingGroup[] {
  const nodes = topologicalOrder(Object.values(outputs));
  const readers = new Map<Value, Node[]>();
  for (const node of nodes)
    for (const input of node.inputs) if (input) readers.set(input, [...(readers.get(input) ?? []), node]);
  const shown = new Set(Object.values(outputs));
  const own = (v: Value | undefined): v is Value =>
    v !== undefined && isWeight(v) && readers.get(v)?.length === 1 && !shown.has(v);
  return nodes.flatMap((node) => {
    const rows = node.outputs[0]!;
    if ((node.op.name !== "RmsNorm" && node.op.name !== "LayerNorm") || shown.has(rows)) return [];
    const norm = node.inputs.slice(1).filter((v) => v !== undefined);
    const layers = (readers.get(rows) ?? []).map(({ op, inputs }) =>
      op.name === linearOp.name && inputs[0] === rows && own(inputs[1]) ? inputs[1] : undefined,
    );
    const takes = (w: Value | undefined): w is Value =>
      w !== undefined && plans.every((plan) => ROUNDED.includes(planned(w, plan)));
    if (layers.length === 0 || !norm.every(own) || !layers.every(takes)) return [];
    return [{ rows, k: rows.shape.at(-1) as number, norm: norm.map(sourceName), layers }];
  });
}
