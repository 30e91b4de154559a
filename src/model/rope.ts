/** @file Rotary position tables. */

import { type Value, weight } from "../graph/index.ts";
import type { DecoderConfig } from "./config.ts";

/** How the bytes of a rotary table are made; `weight-bytes.ts` reads it. */
export interface RopeRecipe {
  readonly kind: "rope";
  readonly table: "cos" | "sin";
  readonly theta: number;
}

/** cos and sin tables [positions, headDim/2] as weights that are computed instead of read. */
export function ropeTables(c: DecoderConfig, positions: number): { cos: Value; sin: Value } {
  const table = (name: "cos" | "sin") => {
    const recipe: RopeRecipe = { kind: "rope", table: name, theta: c.ropeTheta };
    return weight(`rope.${name}`, "float32", [positions, c.headDim / 2], recipe);
  };
  return { cos: table("cos"), sin: table("sin") };
}

/** Angles [headDim/2] of a position, rounded as in the tables. */
export const rotaryAngles = ({ ropeTheta, headDim }: DecoderConfig, position: number): Float32Array =>
  frequencies(ropeTheta, headDim / 2).map((frequency) => position * frequency);

const frequencies = (theta: number, half: number): Float32Array =>
  Float32Array.from({ length: half }, (_, i) => 1 / Math.fround(theta ** (i / half)));

/**
 * Angle of pair i at position t: t·theta^(-2i/dim) (Su et al., arXiv 2104.09864). Angles are rounded to float32 before
 * the cosine, as PyTorch's Qwen2 does.
 */
export function ropeTable({ table, theta }: RopeRecipe, positions: number, half: number): Float32Array {
  const perPair = frequencies(theta, half);
  const values = new Float32Array(positions * half);
  const f = table === "cos" ? Math.cos : Math.sin;
  for (let t = 0; t < positions; t++)
    for (let i = 0; i < half; i++) values[t * half + i] = f(Math.fround(t * perPair[i]!));
  return values;
}
