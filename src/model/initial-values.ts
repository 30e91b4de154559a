/** @file How a new model's parameters begin. */

import type { Parameter } from "./parameters.ts";

/** Qwen2's initializer_range. Text embeddings much larger than picture tokens would drown the pictures. */
const DECODER_STD = 0.02;

export type InitialValue = { readonly constant: number } | { readonly std: number };

/**
 * Norms start at 1, biases at 0, the decoder's matrices and all embeddings at std 0.02 (Qwen2's initializer_range), the
 * tower's and adapter's matrices at std 1/√inputs (LeCun 1998, SigLIP's choice for its patch embedding).
 * @example initialValue({ name: "vit.post_layernorm.bias", ... }) // { constant: 0 }
 */
export function initialValue({ name, shape, part }: Pick<Parameter, "name" | "shape" | "part">): InitialValue {
  if (name.endsWith("bias")) return { constant: 0 };
  if (shape.length === 1) return { constant: 1 };
  if (part === "decoder" || name.includes("position_embedding")) return { std: DECODER_STD };
  return { std: 1 / Math.sqrt(shape.slice(1).reduce((n, d) => n * d, 1)) };
}
