/** @file How a new model's parameters begin. */

import type { Parameter } from "./parameters.ts";

/** Qwen2's initializer_range. Text embeddings much larger than picture tokens would drown the pictures. */
const DECODER_STD = 0.02;

/** What InternViT scales its halves by at first (initializer_factor). */
const LAYER_SCALE = 0.1;

export type InitialValue = { readonly constant: number } | { readonly std: number };

/**
 * Norms start at 1, biases at 0, the decoder's matrices and all embeddings at std 0.02 (Qwen2's initializer_range), the
 * tower's and connector's matrices at std 1/√inputs (LeCun 1998, SigLIP's choice for its patch embedding).
 * @example initialValue({ role: "bias", ... }) // { constant: 0 }
 */
export function initialValue({ shape, part, role }: Pick<Parameter, "shape" | "part" | "role">): InitialValue {
  if (role === "bias") return { constant: 0 };
  if (role === "norm") return { constant: 1 };
  if (role === "scale") return { constant: LAYER_SCALE };
  if (part === "decoder" || role === "positions" || role === "token") return { std: DECODER_STD };
  return { std: 1 / Math.sqrt(shape.slice(1).reduce((n, d) => n * d, 1)) };
}
