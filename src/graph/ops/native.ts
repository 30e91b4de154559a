/** @file Ops of this package's own kernels (native/README.md). Inference only. */

import { apply, apply1, defineOp, float } from "../op.ts";
import { showShape } from "../shape.ts";
import { isResultOf, type TensorType, type Value } from "../value.ts";
import { type BlockwiseAttrs, type BlockwiseShape, checkBias, checkCount, rowsOf } from "./quantized.ts";

/** Activation applied inside the kernel. For "swiGlu" the first half of the columns is the gate, the second half its factor. */
export type Activation = "none" | "geluTanh" | "swiGlu" | "gelu";
const ACTIVATIONS: readonly Activation[] = ["none", "geluTanh", "swiGlu", "gelu"];

type FusedAttrs = BlockwiseAttrs & { readonly activation: Activation; readonly epsilon: number };

/** Operations that the kernel computes together with the product, in one pass over the rows. */
export interface Fused {
  readonly activation?: Activation;
  /** Added last; has the shape of the result. */
  readonly residual?: Value;
  /** Applied to the rows first: RMSNorm, or LayerNorm if there is a bias. */
  readonly norm?: { readonly weight: Value; readonly bias?: Value; readonly epsilon: number };
}

const widthOf = ({ n, activation }: FusedAttrs): number => (activation === "swiGlu" ? n / 2 : n);

/** Output columns of a panel, in which the native product keeps its weights (native/README.md). */
export const PANEL_COLUMNS = 16;

export const blockwiseOp = defineOp<FusedAttrs>({
  name: "BlockwiseMatMul",
  infer([x, w, scales, bias, residual, normWeight, normBias], attrs): TensorType[] {
    const { n, k, bits, block, activation } = attrs;
    const columns = Math.ceil(n / PANEL_COLUMNS) * PANEL_COLUMNS;
    const blocks = Math.ceil(k / block);
    const shape = [...rowsOf(x!, k), widthOf(attrs)];
    checkCount("the packed weights", w!, (columns * blocks * block * bits) / 8);
    checkCount("the scales", scales!, columns * blocks);
    checkBias(bias, n);
    if (activation === "swiGlu" && n % (2 * PANEL_COLUMNS) !== 0)
      throw new RangeError(`SwiGLU needs columns in multiples of ${2 * PANEL_COLUMNS}, found ${n}`);
    if (residual && showShape(residual.shape) !== showShape(shape))
      throw new RangeError(`the residual ${showShape(residual.shape)} does not fit ${showShape(shape)}`);
    checkBias(normWeight, k);
    checkBias(normBias, k);
    return [{ dtype: "float32", shape }];
  },
  emit({ inputs, outputs, attrs }, e) {
    const { n, k, bits, block, activation, epsilon } = attrs;
    const names = inputs.map((v) => e.name(v));
    while (names.at(-1) === "") names.pop();
    const sizes = { K: k, N: n, bits, block_size: block, width: widthOf(attrs) };
    const fused = { activation: ACTIVATIONS.indexOf(activation), epsilon: float(epsilon) };
    e.node("BlockwiseMatMul", names, e.outputs(outputs), { ...sizes, ...fused }, "flashvl");
  },
});
/**
 * x·Wᵀ + bias by this package's own kernel: the same bits for a row alone or among others.
 * x [..., k] · w uint8 and scales float16 or float32 in panels of `PANEL_COLUMNS` → [..., n], or [..., n / 2] with "swiGlu".
 */
export const blockwiseMatMul = (
  x: Value,
  w: Value,
  scales: Value,
  bias: Value | undefined,
  { n, k, bits, block }: BlockwiseShape,
  { activation = "none", residual, norm }: Fused = {},
): Value =>
  apply1(blockwiseOp, [x, w, scales, bias, residual, norm?.weight, norm?.bias], {
    ...{ n, k, bits, block, activation },
    epsilon: norm?.epsilon ?? 0,
  });

/**
 * The same product with more operations fused into it. Undefined if `product` is not a native product, or has one of them
 * already.
 * @param rows replaces the input rows, for a norm that is fused
 * @example withFused(product, { residual: x })
 */
export function withFused(product: Value, more: Fused, rows?: Value): Value | undefined {
  if (!isResultOf(product, blockwiseOp)) return undefined;
  const [x, w, scales, bias, residual, normWeight, normBias] = product.node.inputs;
  const { activation, epsilon, ...shape } = product.node.attrs;
  const taken = residual || (more.activation && activation !== "none") || (more.norm && normWeight);
  // A residual is added after an activation; nothing comes after it.
  if (taken || (more.residual && activation === "swiGlu")) return undefined;
  const norm = normWeight && { weight: normWeight, bias: normBias, epsilon };
  return blockwiseMatMul(rows ?? x!, w!, scales!, bias, shape, { activation, norm, ...more });
}

const unmaskedAttentionOp = defineOp<{ readonly heads: number; readonly scale: number; readonly fp32: number }>({
  name: "TowerAttention",
  infer([q, k, v], { heads }) {
    if (!k || !v) {
      const width = q!.shape.at(-1) as number;
      if (width % (3 * heads) !== 0) throw new RangeError(`${width} are not q, k and v of ${heads} heads`);
      return [{ dtype: "float32", shape: [...q!.shape.slice(0, -1), width / 3] }];
    }
    for (const other of [k, v])
      if (other.shape.length !== 3 || other.shape.at(-1) !== q!.shape.at(-1))
        throw new RangeError(`q ${showShape(q!.shape)} and ${showShape(other.shape)} differ: expected one shape`);
    if ((q!.shape[2] as number) % heads !== 0)
      throw new RangeError(`${q!.shape[2]} is not a multiple of ${heads} heads`);
    return [{ dtype: "float32", shape: q!.shape }];
  },
  emit: ({ inputs, outputs, attrs: { heads, scale, fp32 } }, e) =>
    e.node(
      "TowerAttention",
      inputs.flatMap((v) => (v ? [e.name(v)] : [])),
      e.outputs(outputs),
      { num_heads: heads, width: outputs[0]!.shape.at(-1) as number, scale: float(scale), fp32 },
      "flashvl",
    ),
});
/**
 * softmax(q·kᵀ·scale)·v per head, nothing masked, by this package's own kernel: q, k, v [batch, seq, heads·dim], or all three
 * side by side as q and no k and v.
 * @param exact float32 throughout; otherwise factors are bfloat16 where the processor has such instructions
 */
export const unmaskedAttention = (
  q: Value,
  k: Value | undefined,
  v: Value | undefined,
  heads: number,
  scale: number,
  exact = false,
): Value => apply1(unmaskedAttentionOp, [q, k, v], { heads, scale, fp32: exact ? 1 : 0 });

type CachedAttrs = { readonly heads: number; readonly kvHeads: number; readonly scale: number };

/** Slots and positions of the new tokens of each sequence. */
export interface CachePlaces {
  /** int32 [batch]: the row of the cache that each sequence has. */
  readonly slots: Value;
  /** int32 [batch]: position of each sequence's last new token. */
  readonly lastPositions: Value;
  /** [positions, dim/2] */
  readonly cos: Value;
  readonly sin: Value;
}

const cachedAttentionOp = defineOp<CachedAttrs>({
  name: "CachedAttention",
  infer([qkv, pastKey, pastValue, slots, lastPositions], { heads, kvHeads }) {
    const [rows, cacheHeads, , dim] = pastKey!.shape;
    const width = (heads + 2 * kvHeads) * (dim as number);
    if (cacheHeads !== kvHeads || showShape(pastKey!.shape) !== showShape(pastValue!.shape))
      throw new RangeError(`the cache ${showShape(pastKey!.shape)} does not have ${kvHeads} heads in keys and values`);
    if (qkv!.shape.at(-1) !== width)
      throw new RangeError(`rows of ${qkv!.shape.at(-1)} do not fit ${heads} heads of ${dim}: expected ${width}`);
    for (const index of [slots!, lastPositions!])
      if (index.dtype !== "int32") throw new TypeError(`slots and positions must be int32, found ${index.dtype}`);
    const { dtype } = pastKey!;
    if ((dtype !== "float32" && dtype !== "float16") || pastValue!.dtype !== dtype)
      throw new TypeError(`keys and values must both be float32 or float16, found ${dtype} and ${pastValue!.dtype}`);
    const present = { dtype, shape: [rows!, kvHeads, "present", dim!] };
    return [{ dtype: qkv!.dtype, shape: [...qkv!.shape.slice(0, -1), heads * (dim as number)] }, present, present];
  },
  emit({ inputs, outputs, attrs: { heads, kvHeads, scale } }, e) {
    const width = outputs[0]!.shape.at(-1) as number;
    e.node(
      inputs[1]!.dtype === "float16" ? "HalfCachedAttention" : "CachedAttention",
      inputs.map((v) => e.name(v)),
      e.outputs(outputs),
      { num_heads: heads, kv_num_heads: kvHeads, width, scale: float(scale) },
      "flashvl",
    );
  },
});

/**
 * Causal attention of new tokens over the rows of a cache that are theirs, to which their keys and values are appended, with
 * rotary positions inside (native/README.md): the same bits for a token alone, in a batch, or in a longer stretch.
 * qkv [batch, seq, (heads + 2 kvHeads)·dim] · past [rows, kvHeads, capacity, dim] → [output, presentKey, presentValue];
 * past and present may be one buffer. In a float16 cache every key and value is rounded to the nearest float16, at most 65504;
 * all sums are float32 with either type.
 */
export const cachedAttention = (
  qkv: Value,
  [pastKey, pastValue]: readonly [Value, Value],
  { slots, lastPositions, cos, sin }: CachePlaces,
  attrs: CachedAttrs,
): readonly Value[] => apply(cachedAttentionOp, [qkv, pastKey, pastValue, slots, lastPositions, cos, sin], attrs);

const blockMaximaOp = defineOp<{ readonly block: number }>({
  name: "BlockMaxima",
  infer([x], { block }) {
    const [rows, n] = x!.shape;
    return [{ dtype: x!.dtype, shape: [rows!, Math.ceil((n as number) / block)] }];
  },
  emit({ inputs: [x], outputs, attrs: { block } }, e) {
    const width = outputs[0]!.shape[1] as number;
    e.node("BlockMaxima", [e.name(x)], e.outputs(outputs), { block, width }, "flashvl");
  },
});
/** The maximum of every `block` neighbouring numbers of a row, ignoring NaN: x [rows, n] → [rows, n / block, rounded up]. */
export const blockMaxima = (x: Value, block: number): Value => apply1(blockMaximaOp, [x], { block });
