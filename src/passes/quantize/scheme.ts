/** @file Precisions of linear layers, and rules that assign them to layers: the last rule that fits counts. */

/** Precision of one layer, by the name that users write in overrides. */
export const SCHEME_NAMES = ["fp32", "int8", "int4", "int4-fine", "w8a8"] as const;
export type SchemeName = (typeof SCHEME_NAMES)[number];

/** Which kernels the graph may use: this package's own, or those that every ONNX Runtime has. */
export type Kernels = "native" | "standard";

/** Bits and block size of a blockwise weight. */
export interface BlockwiseScheme {
  readonly kind: "blockwise";
  readonly bits: 4 | 8;
  readonly block: number;
}

/** fp32, blockwise integers, or int8 with one scale per output and per row of activations. */
export type Scheme = { readonly kind: "fp32" } | BlockwiseScheme | { readonly kind: "w8a8" };

/**
 * Block sizes by measurement (bench/NOTES.md): 128 is as fast as memory allows, and at 4 bits 32 costs a tenth more bytes
 * and halves the rounding error.
 */
const SCHEMES: Readonly<Record<SchemeName, Scheme>> = {
  fp32: { kind: "fp32" },
  int8: { kind: "blockwise", bits: 8, block: 128 },
  int4: { kind: "blockwise", bits: 4, block: 128 },
  "int4-fine": { kind: "blockwise", bits: 4, block: 32 },
  w8a8: { kind: "w8a8" },
};

/** The smallest block that both kernels take. */
const SMALLEST_BLOCK = 32;

/**
 * A scheme for a layer with `k` inputs: a layer narrower than a block gets one block of the next power of two.
 * @example schemeFor("int4", 64) // { kind: "blockwise", bits: 4, block: 64 }
 */
export function schemeFor(name: SchemeName, k: number): Scheme {
  const scheme = SCHEMES[name];
  if (scheme.kind !== "blockwise") return scheme;
  const whole = Math.max(SMALLEST_BLOCK, 2 ** Math.ceil(Math.log2(k)));
  return { ...scheme, block: Math.min(scheme.block, whole) };
}

/** Name of the layer that a tensor belongs to. @example layerOf("llm.lm_head.weight") // "llm.lm_head" */
export const layerOf = (tensor: string): string => tensor.replace(/\.weight$/, "");

/** A layer's name, or a pattern (`*` stands for anything, also dots), and the precision of the layers that fit. */
export type LayerRule = readonly [pattern: string, scheme: SchemeName];

const matchers = new Map<string, RegExp>();

/** Whether a layer's name fits a pattern. @example fits("llm.*.down_proj", "llm.model.layers.3.mlp.down_proj") // true */
export function fits(pattern: string, layer: string): boolean {
  if (!pattern.includes("*")) return pattern === layer;
  let matcher = matchers.get(pattern);
  if (!matcher) {
    const escaped = pattern.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
    matcher = new RegExp(`^${escaped.join(".*")}$`);
    matchers.set(pattern, matcher);
  }
  return matcher.test(layer);
}

/** The precision of a layer: that of the last rule that fits, or fp32 if none does. */
export const ruleFor = (rules: readonly LayerRule[], layer: string): SchemeName =>
  rules.findLast(([pattern]) => fits(pattern, layer))?.[1] ?? "fp32";
