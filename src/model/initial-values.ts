/** @file How a new model's parameters begin. */

import type { Parameter } from "./parameters.ts";

/** Qwen2's initializer_range. Text embeddings much larger than picture tokens would drown the pictures. */
const DECODER_STD = 0.02;

/** Size of the initial position embeddings: that of an embedded patch. */
const POSITION_AMPLITUDE = 0.5;

export type InitialValue = { readonly constant: number } | { readonly std: number } | { readonly values: Float32Array };

/**
 * 2-D sine-cosine positions [grid², width]: a quarter of the channels each for sin and cos of column and row, wavelengths
 * from 2π to 10,000·2π patches (Beyer et al., "Better plain ViT baselines", arXiv 2205.01580). Neighbouring patches begin
 * alike, so the tower can look beside itself from the first step instead of learning first where everything is.
 */
function sineCosinePositions(count: number, width: number): Float32Array {
  const grid = Math.sqrt(count);
  const quarter = Math.floor(width / 4);
  const values = new Float32Array(count * width);
  for (let i = 0; i < count; i++)
    for (let k = 0; k < quarter; k++) {
      const frequency = 10_000 ** (-k / (quarter - 1));
      const [x, y] = [(i % grid) * frequency, Math.floor(i / grid) * frequency];
      [Math.sin(x), Math.cos(x), Math.sin(y), Math.cos(y)].forEach((v, part) => {
        values[i * width + part * quarter + k] = POSITION_AMPLITUDE * v;
      });
    }
  return values;
}

/**
 * Norms start at 1, biases at 0, the decoder's matrices and embeddings at std 0.02 (Qwen2's initializer_range), the
 * tower's positions as a grid of sines and cosines, the tower's and adapter's matrices at std 1/√inputs (LeCun 1998, SigLIP's choice for its patch embedding).
 * @example initialValue({ name: "vit.post_layernorm.bias", ... }) // { constant: 0 }
 */
export function initialValue({ name, shape, part }: Pick<Parameter, "name" | "shape" | "part">): InitialValue {
  if (name.endsWith("bias")) return { constant: 0 };
  if (shape.length === 1) return { constant: 1 };
  if (name.includes("position_embedding")) return { values: sineCosinePositions(shape[0]!, shape[1]!) };
  if (part === "decoder") return { std: DECODER_STD };
  return { std: 1 / Math.sqrt(shape.slice(1).reduce((n, d) => n * d, 1)) };
}
