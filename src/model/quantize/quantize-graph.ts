/** @file The pass that gives linear layers other precisions: every `Linear` over a weight is rewritten by its layer's name. */
import {
  blockwiseMatMul,
  int8Linear,
  linearOp,
  matMulNBits,
  type Node,
  rewrite,
  scoped,
  sourceName,
  type Value,
  weight,
} from "../../graph/index.ts";
import type { GraphOutputs } from "../inference-graphs.ts";
import type { BlockwiseRecipe, ColumnsRecipe, ConcatRecipe } from "./recipes.ts";
import { type BlockwiseScheme, type Kernels, type LayerRule, ruleFor, type SchemeName, schemeFor } from "./scheme.ts";

/** Which layers become what, and which kernels compute them. */
export interface QuantizePlan {
  readonly rules: readonly LayerRule[];
  readonly kernels: Kernels;
}

/** A layer's weight value, seen through reshapes (the patch embedding is stored as a convolution kernel). */
export function weightOf(w: Value | undefined): Value | undefined {
  let at = w;
  while (at?.node.op.name === "Reshape") at = at.node.inputs[0];
  return at?.node.op.name === "Weight" ? at : undefined;
}

/** Name of the layer that a weight belongs to: its own name without ".weight". */
export const layerName = (w: Value): string => sourceName(w).replace(/\.weight$/, "");

const sourcesOf = (w: Value): readonly string[] =>
  (w.node.attrs.recipe as ConcatRecipe | undefined)?.sources ?? [sourceName(w)];

function blockwise(x: Value, w: Value, [n, k]: [number, number], bias: Value | undefined, at: BlockwisePlace): Value {
  const { scheme, kernels } = at;
  const native = kernels === "native";
  const { bits, block } = scheme;
  const blocks = Math.ceil(k / block);
  const rows = native ? Math.ceil(n / 16) * 16 : n;
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
    sources: sourcesOf(w),
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
  const recipe = (part: "values" | "scales"): ColumnsRecipe => ({ kind: "columns", part, n, k, sources: sourcesOf(w) });
  const values = weight(name, "int8", [k, n], recipe("values"));
  return int8Linear(x, values, weight(`${name}.scales`, "float32", [n], recipe("scales")), bias);
}

/** The scheme that a plan gives to the layer of a weight. */
export const planned = (w: Value, { rules }: QuantizePlan): SchemeName => ruleFor(rules, layerName(w));

/** The product of a `Linear` node in the precision that the plan gives its layer; undefined where that is float32. */
export function quantizedLinear(node: Node, plan: QuantizePlan, inputs = node.inputs): Value | undefined {
  const [x, w, bias] = inputs;
  const stored = weightOf(w);
  if (node.op.name !== linearOp.name || !stored) return undefined;
  const shape = w!.shape as [number, number];
  const scheme = schemeFor(planned(stored, plan), shape[1]);
  if (scheme.kind === "fp32") return undefined;
  return scoped(node.scope, () =>
    scheme.kind === "w8a8"
      ? perToken(x!, stored, shape, bias)
      : blockwise(x!, stored, shape, bias, { scheme, kernels: plan.kernels }),
  );
}

/**
 * The same outputs with every linear layer in the precision that the plan's last fitting rule names; layers without a
 * rule stay float32. Weights of the new graph carry recipes: their bytes are made while the weights file is written.
 * @example quantize(decoderGraph(config), { rules: [["llm.*", "int4"]], kernels: "standard" }).logits
 */
export function quantize(outputs: GraphOutputs, plan: QuantizePlan): GraphOutputs {
  const names = Object.keys(outputs);
  const values = rewrite(Object.values(outputs), (node, inputs) => {
    const other = quantizedLinear(node, plan, inputs);
    return other && [other];
  });
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}
