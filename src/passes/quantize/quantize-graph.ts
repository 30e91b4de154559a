/** @file The pass that quantises linear layers: each `Linear` over a weight gets the precision that a plan has for its layer. */
import {
  blockwiseMatMul,
  type GraphOutputs,
  int8Linear,
  isOp,
  isResultOf,
  linearOp,
  matMulNBits,
  type Node,
  PANEL_COLUMNS,
  type Rewritten,
  reshapeOp,
  rewrite,
  sourceName,
  type Value,
  weight,
  weightOp,
} from "../../graph/index.ts";
import type { BlockwiseRecipe, ColumnsRecipe, ConcatRecipe } from "../weights/recipes.ts";
import {
  type BlockwiseScheme,
  type Kernels,
  type LayerRule,
  layerOf,
  ruleFor,
  type SchemeName,
  schemeFor,
} from "./scheme.ts";

/** Precision of each layer, and the kernels that compute quantised layers. */
export interface QuantizePlan {
  readonly rules: readonly LayerRule[];
  readonly kernels: Kernels;
}

/** A layer's weight, looking through reshapes (the patch embedding is stored as a convolution kernel). */
export function weightOf(w: Value | undefined): Value | undefined {
  let at = w;
  while (isResultOf(at, reshapeOp)) at = at.node.inputs[0];
  return isResultOf(at, weightOp) ? at : undefined;
}

/** Name of the layer that a weight belongs to: its own name without ".weight". */
export const layerName = (w: Value): string => layerOf(sourceName(w));

/** Names of the tensors that a weight is made of: its own, or those of the parts that are concatenated in it. */
export const sourcesOf = (w: Value): readonly string[] => madeOf(w).sources;

/** The same, and by what their rows are multiplied. */
export function madeOf(w: Value): Pick<ConcatRecipe, "sources" | "rowFactors"> {
  const { sources, rowFactors } = (w.node.attrs.recipe ?? { sources: [sourceName(w)] }) as ConcatRecipe;
  return { sources, ...(rowFactors !== undefined && { rowFactors }) };
}

function blockwise(x: Value, w: Value, [n, k]: [number, number], bias: Value | undefined, at: BlockwisePlace): Value {
  const { scheme, kernels } = at;
  const native = kernels === "native";
  const { bits, block } = scheme;
  const blocks = Math.ceil(k / block);
  const rows = native ? Math.ceil(n / PANEL_COLUMNS) * PANEL_COLUMNS : n;
  const layout = native ? "panels" : "nbits";
  const name = `${layerName(w)}.${layout}-int${bits}-${block}`;
  const recipe = (part: "values" | "scales"): BlockwiseRecipe => ({
    kind: "blockwise",
    part,
    layout,
    bits,
    block,
    n,
    k,
    ...madeOf(w),
  });
  const values = weight(name, "uint8", [rows, blocks, (block * bits) / 8], recipe("values"));
  const scales = weight(`${name}.scales`, native ? "float16" : "float32", [rows, blocks], recipe("scales"));
  const shape = { n, k, bits, block };
  return native ? blockwiseMatMul(x, values, scales, bias, shape) : matMulNBits(x, values, scales, bias, shape);
}

interface BlockwisePlace {
  readonly scheme: BlockwiseScheme;
  readonly kernels: Kernels;
}

function perToken(x: Value, w: Value, [n, k]: [number, number], bias: Value | undefined): Value {
  const name = `${layerName(w)}.columns-int8`;
  const recipe = (part: "values" | "scales"): ColumnsRecipe => ({ kind: "columns", part, n, k, ...madeOf(w) });
  const values = weight(name, "int8", [k, n], recipe("values"));
  return int8Linear(x, values, weight(`${name}.scales`, "float32", [n], recipe("scales")), bias);
}

/** The scheme that a plan has for the layer of a weight. Joined layers all have the scheme of the first. */
export const planned = (w: Value, { rules }: QuantizePlan): SchemeName => ruleFor(rules, layerOf(sourcesOf(w)[0]!));

/** The product of a `Linear` node in the precision that the plan has for its layer; undefined where that is float32. */
export function quantizedLinear(node: Node, plan: QuantizePlan, inputs = node.inputs): Value | undefined {
  const [x, w, bias] = inputs;
  const stored = weightOf(w);
  if (!isOp(node, linearOp) || !stored) return undefined;
  const shape = w!.shape as [number, number];
  const scheme = schemeFor(planned(stored, plan), shape[1]);
  if (scheme.kind === "fp32") return undefined;
  return scheme.kind === "w8a8"
    ? perToken(x!, stored, shape, bias)
    : blockwise(x!, stored, shape, bias, { scheme, kernels: plan.kernels });
}

/**
 * The same outputs with every linear layer in the precision of the plan's last rule that fits; layers without a
 * rule stay float32. Weights of the new graph carry recipes, from which their bytes are made when the weights file is written.
 * @example quantize(decoderGraph(config), { rules: [["llm.*", "int4"]], kernels: "standard" }).logits
 */
export const quantize = <T extends GraphOutputs>(outputs: T, plan: QuantizePlan): Rewritten<T> =>
  rewrite(outputs, (node, inputs) => {
    const other = quantizedLinear(node, plan, inputs);
    return other && [other];
  });
