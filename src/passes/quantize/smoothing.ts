/** @file Activation smoothing (SmoothQuant): moves the magnitude of outlier channels from activations into weights, which quantise more easily. */

import {
  type GraphOutputs,
  isOp,
  isWeight,
  layerNormOp,
  linearOp,
  type Node,
  rmsNormOp,
  sourceName,
  topologicalOrder,
  type Value,
} from "../../graph/index.ts";
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
 * The norms of a float32 graph whose output can be scaled per column: every reader is a linear layer that has 8 bits in each
 * of the plans. In FlashVL these are the norms before q, k, v, before gate and up, before the tower's fc1, and
 * the adapter's. Not smoothed, for want of such a norm: o_proj and down_proj (out_proj and fc2 in the tower), the adapter's
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
    if (!(isOp(node, rmsNormOp) || isOp(node, layerNormOp)) || shown.has(rows)) return [];
    const norm = node.inputs.slice(1).filter((v) => v !== undefined);
    const layers = (readers.get(rows) ?? []).map((reader) => {
      const [x, w] = reader.inputs;
      return isOp(reader, linearOp) && x === rows && own(w) ? w : undefined;
    });
    const takes = (w: Value | undefined): w is Value =>
      w !== undefined && plans.every((plan) => ROUNDED.includes(planned(w, plan)));
    if (layers.length === 0 || !norm.every(own) || !layers.every(takes)) return [];
    return [{ rows, k: rows.shape.at(-1) as number, norm: norm.map(sourceName), layers }];
  });
}

/** Share of an activation's magnitude that moves into the weight: half (SmoothQuant's default). */
const STRENGTH = 0.5;

/**
 * Scales s [k] for a layer y = x·Wᵀ = (x / s)·(W·s)ᵀ: s_j = max|x_j|^α / max|W_j|^(1-α) (Xiao et al., SmoothQuant, arXiv
 * 2211.10438, equation 4). Columns that are always zero, in x or in W, keep 1.
 * @param inputSizes [k]: largest magnitude of each input over the calibration rows
 * @param rows [n, k]
 * @throws RangeError when sizes do not fit
 * @example const s = smoothingScales(inputSizes, w, 1152);
 */
export function smoothingScales(
  inputSizes: Float32Array,
  rows: Float32Array,
  k: number,
  strength = STRENGTH,
): Float32Array {
  if (inputSizes.length !== k || rows.length % k !== 0)
    throw new RangeError(
      `${inputSizes.length} input sizes and ${rows.length} weights do not fit ${k} inputs; expected ${k} and a multiple of ${k}.`,
    );
  const columns = new Float32Array(k);
  for (let i = 0; i < rows.length; i++) columns[i % k] = Math.max(columns[i % k]!, Math.abs(rows[i]!));
  return columns.map((size, j) => {
    const scale = inputSizes[j]! ** strength / size ** (1 - strength);
    return scale > 0 && scale < Number.POSITIVE_INFINITY ? scale : 1;
  });
}
