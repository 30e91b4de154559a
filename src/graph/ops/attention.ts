/** @file Rotary positions, attention as one node, and the fused attention kernels of ONNX Runtime. */

import { apply, apply1, defineOp, float } from "../op.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Value } from "../value.ts";
import { neg } from "./elementwise.ts";

const rotaryOp = defineOp<{ heads: number }>({
  name: "RotaryEmbedding",
  infer([x, positions, cos, sin], { heads }) {
    if (x!.shape.length !== 3) throw new RangeError(`expected [batch, seq, heads*dim], found ${showShape(x!.shape)}`);
    if (positions!.dtype !== "int64") throw new TypeError(`the positions are ${positions!.dtype}, expected int64`);
    const dim = (x!.shape[2] as number) / heads;
    for (const table of [cos!, sin!])
      if (table.shape[1] !== dim / 2)
        throw new RangeError(
          `the table ${showShape(table.shape)} does not fit ${heads} heads of ${dim}: expected width ${dim / 2}`,
        );
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  // A rotation's transpose is the rotation by the negative angle.
  gradient: ({ inputs: [, positions, cos, sin], attrs: { heads }, grads: [g] }) => [
    rotaryEmbedding(g!, positions!, cos!, neg(sin!), heads),
  ],
  emit: ({ inputs, outputs, attrs: { heads } }, e) =>
    e.node(
      "RotaryEmbedding",
      inputs.map((v) => e.name(v)),
      e.outputs(outputs),
      { num_heads: heads, interleaved: 0 },
      "com.microsoft",
    ),
});
/**
 * Rotates the two halves of each head by its position's angles (half-split RoPE; Su et al., arXiv 2104.09864).
 * x [batch, seq, heads·dim], positions int64 [batch, seq], cos and sin [positions, dim/2].
 */
export const rotaryEmbedding = (x: Value, positions: Value, cos: Value, sin: Value, heads: number): Value =>
  apply1(rotaryOp, [x, positions, cos, sin], { heads });

/** Heads of queries, heads of keys that they share, and the factor on scores. */
export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly scale: number;
}

/** int32 [batch, seq] each: token t sees u when u is not later, is of t's segment, and its branch is 0 or t's own. */
export interface AttentionMask {
  readonly segments: Value;
  readonly branches: Value;
}

/** Checks q [batch, seq, heads·dim] against k and v [batch, seq, kvHeads·dim] and a mask's two inputs. */
export function checkAttention([q, k, v, ...mask]: readonly Value[], { heads, kvHeads }: AttentionShape): void {
  const [b, s, width] = q!.shape;
  const kvWidth = ((width as number) / heads) * kvHeads;
  if (q!.shape.length !== 3 || (width as number) % heads !== 0 || heads % kvHeads !== 0)
    throw new RangeError(`${showShape(q!.shape)} is not [batch, seq, heads*dim] of ${heads} heads over ${kvHeads}`);
  for (const x of [k!, v!])
    if (!sameShape(x.shape, [b!, s!, kvWidth]))
      throw new RangeError(`expected keys and values [${b}, ${s}, ${kvWidth}], found ${showShape(x.shape)}`);
  for (const x of mask)
    if (x && (x.dtype !== "int32" || !sameShape(x.shape, [b!, s!])))
      throw new RangeError(`the mask ${x.dtype}${showShape(x.shape)} is not int32[${b}, ${s}]`);
}

export const attentionOp = defineOp<{ heads: number; kvHeads: number; scale: number }>({
  name: "Attention",
  infer(inputs, shape) {
    checkAttention(inputs, shape);
    return [{ dtype: inputs[0]!.dtype, shape: inputs[0]!.shape }];
  },
});
/**
 * softmax(q·kᵀ·scale)·v per head as one abstract node. It has neither a gradient nor an ONNX form: a pass replaces it by
 * primitive ops or by a kernel. q [batch, seq, heads·dim], k and v [batch, seq, kvHeads·dim]. Without a mask every token sees every other.
 */
export const attention = (q: Value, k: Value, v: Value, shape: AttentionShape, mask?: AttentionMask): Value =>
  apply1(attentionOp, mask ? [q, k, v, mask.segments, mask.branches] : [q, k, v], { ...shape });

export const multiHeadAttentionOp = defineOp<{ heads: number; scale: number }>({
  name: "MultiHeadAttention",
  infer([q, , v], { heads }) {
    if ((q!.shape.at(-1) as number) % heads !== 0)
      throw new RangeError(`${q!.shape.at(-1)} is not a multiple of ${heads} heads`);
    return [{ dtype: q!.dtype, shape: [...q!.shape.slice(0, -1), v!.shape.at(-1)!] }];
  },
  emit: ({ inputs, outputs, attrs: { heads, scale } }, e) =>
    e.node(
      "MultiHeadAttention",
      inputs.map((v) => e.name(v)),
      e.outputs(outputs),
      { num_heads: heads, scale: float(scale) },
      "com.microsoft",
    ),
});
/** softmax(q·kᵀ·scale)·v per head, nothing masked: q, k, v [batch, seq, heads·dim]. One fused kernel, inference only. */
export const multiHeadAttention = (q: Value, k: Value, v: Value, heads: number, scale: number): Value =>
  apply1(multiHeadAttentionOp, [q, k, v], { heads, scale });

type GqaAttrs = { heads: number; kvHeads: number; scale: number };

export const groupQueryAttentionOp = defineOp<GqaAttrs>({
  name: "GroupQueryAttention",
  infer([q, k, , pastK], { heads }) {
    const [batch, kvHeads, , dim] = pastK!.shape;
    const width = (heads + (k ? 0 : 2 * (kvHeads as number))) * (dim as number);
    if (q!.shape.at(-1) !== width)
      throw new RangeError(`rows of ${q!.shape.at(-1)} do not fit ${heads} heads of ${dim}: expected ${width}`);
    const present = { dtype: pastK!.dtype, shape: [batch!, kvHeads!, "present", dim!] };
    return [{ dtype: q!.dtype, shape: [...q!.shape.slice(0, -1), heads * (dim as number)] }, present, present];
  },
  emit({ inputs, outputs, attrs: { heads, kvHeads, scale } }, e) {
    const attrs = { num_heads: heads, kv_num_heads: kvHeads, scale: float(scale), do_rotary: 1, rotary_interleaved: 0 };
    e.node(
      "GroupQueryAttention",
      inputs.map((v) => e.name(v)),
      e.outputs(outputs),
      attrs,
      "com.microsoft",
    );
  },
});

export interface CachedAttention {
  /** [batch, kvHeads, past, dim]; past and present may be one buffer: the kernel appends in place. */
  readonly pastKey: Value;
  readonly pastValue: Value;
  /** int32 [batch]: tokens of each row after this step, minus 1. */
  readonly lastPositions: Value;
  /** int32 scalar: the largest of them, plus 1. */
  readonly totalLength: Value;
  /** [positions, dim/2] */
  readonly cos: Value;
  readonly sin: Value;
}

/**
 * Causal attention of new tokens over a cache that it appends to, with rotary positions inside.
 * q [batch, seq, heads·dim], k and v [batch, seq, kvHeads·dim], or all three side by side as q and no k and v
 * → [output, presentKey, presentValue]. Inference only.
 * Layout of inputs: ContribOperators.md of microsoft/onnxruntime.
 */
export function groupQueryAttention(
  q: Value,
  k: Value | undefined,
  v: Value | undefined,
  cache: CachedAttention,
  attrs: GqaAttrs,
): readonly Value[] {
  const { pastKey, pastValue, lastPositions, totalLength, cos, sin } = cache;
  return apply(groupQueryAttentionOp, [q, k, v, pastKey, pastValue, lastPositions, totalLength, cos, sin], attrs);
}
