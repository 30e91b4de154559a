/** @file Forward ops with hand-written gradients that this package's native kernels compute in one pass each. Training only. */

import { apply, apply1, defineOp, float } from "../op.ts";
import type { Shape } from "../shape.ts";
import type { Attrs, EmitCall, Emitter, TensorType, Value } from "../value.ts";
import { type AttentionMask, type AttentionShape, checkAttention } from "./attention.ts";
import { linearOp } from "./linalg.ts";
import { reduceSum } from "./reduction.ts";

const DOMAIN = "flashvl";
/** The ONNX form of a native op. All results get a name, used or not, since the kernels write every one. */
const native =
  (type: string) =>
  ({ inputs, outputs, attrs }: EmitCall<Attrs>, e: Emitter): void => {
    const names = (values: readonly (Value | undefined)[]) => values.map((v) => e.name(v));
    e.node(type, names(inputs), names(outputs), attrs, DOMAIN);
  };
const sameAs = (x: Value): TensorType => ({ dtype: x.dtype, shape: x.shape });
const rowAxes = (shape: Shape): number[] => shape.slice(0, -1).map((_, i) => i);

type ProductAttrs = { transA: 0 | 1; transB: 0 | 1; bf16: 0 | 1; sums: boolean };

const productOp = defineOp<ProductAttrs>({
  name: "TrainProduct",
  infer([a, b], { transA, transB, sums }) {
    const [m, n] = [a!.shape.at(-1)!, transB ? b!.shape[0]! : b!.shape.at(-1)!];
    const y = { dtype: a!.dtype, shape: transA ? [m, n] : [...a!.shape.slice(0, -1), n] };
    return sums ? [y, { dtype: a!.dtype, shape: [m] }] : [y];
  },
  emit: ({ inputs, outputs, attrs: { sums, ...attrs } }, e) => native("TrainProduct")({ inputs, outputs, attrs }, e),
});

const trainLinearOp = defineOp<{ bf16: 0 | 1 }>({
  name: "TrainLinear",
  infer: (inputs) => linearOp.infer(inputs, {}),
  // As Linear's rule; the sums of the bias come with the product that reads the same gradient.
  gradient({ inputs: [x, w, bias], attrs: { bf16 }, grads: [g], needs }) {
    const sums = bias !== undefined && needs[2] === true;
    const [dw, db] = needs[1] ? apply(productOp, [g!, x!], { transA: 1, transB: 0, bf16, sums }) : [];
    return [
      needs[0] ? apply1(productOp, [g!, w!], { transA: 0, transB: 0, bf16, sums: false }) : undefined,
      dw,
      sums ? (db ?? reduceSum(g!, rowAxes(g!.shape))) : undefined,
    ];
  },
  emit: ({ inputs, outputs, attrs }, e) =>
    native("TrainProduct")({ inputs, outputs, attrs: { transA: 0, transB: 1, ...attrs } }, e),
});
/** x·Wᵀ + bias like `linear`. @param bf16 rounds factors of this product and of its gradients to bfloat16; sums are float32 */
export const trainLinear = (x: Value, w: Value, bias: Value | undefined, bf16: boolean): Value =>
  apply1(trainLinearOp, [x, w, bias], { bf16: bf16 ? 1 : 0 });

const geluGradOp = defineOp({ name: "TrainGeluGrad", infer: ([x]) => [sameAs(x!)], emit: native("TrainGeluGrad") });
const geluOp = defineOp({
  name: "TrainGelu",
  infer: ([x]) => [sameAs(x!)],
  gradient: ({ inputs: [x], grads: [g] }) => [apply1(geluGradOp, [x, g], {})],
  emit: native("TrainGelu"),
});
/** `geluTanh` by the native kernel. */
export const trainGelu = (x: Value): Value => apply1(geluOp, [x], {});

const gateGradOp = defineOp({
  name: "TrainGateGrad",
  infer: ([a, b]) => [sameAs(a!), sameAs(b!)],
  emit: native("TrainGateGrad"),
});
const gateOp = defineOp({
  name: "TrainGate",
  infer: ([a]) => [sameAs(a!)],
  gradient: ({ inputs: [a, b], grads: [g] }) => apply(gateGradOp, [a, b, g], {}),
  emit: native("TrainGate"),
});
/** `mul(silu(a), b)` of equal shapes by the native kernel. */
export const trainGate = (a: Value, b: Value): Value => apply1(gateOp, [a, b], {});

type NormAttrs = { epsilon: number };
const emitNorm = ({ inputs, outputs, attrs }: EmitCall<NormAttrs>, e: Emitter): void =>
  native("TrainNorm")({ inputs, outputs, attrs: { epsilon: float(attrs.epsilon) } }, e);

const normGradOp = defineOp({
  name: "TrainNormGrad",
  infer: ([x, w, , , mean]) => [sameAs(x!), sameAs(w!), ...(mean ? [sameAs(w!)] : [])],
  emit: native("TrainNormGrad"),
});
const normOp = defineOp<NormAttrs>({
  name: "TrainNorm",
  infer([x, , b]) {
    const stat = { dtype: x!.dtype, shape: [...x!.shape.slice(0, -1), 1] };
    return [sameAs(x!), stat, ...(b ? [stat] : [])];
  },
  gradient: ({ inputs: [x, w], outputs: [, rstd, mean], grads: [g] }) => apply(normGradOp, [x, w, g, rstd, mean], {}),
  emit: emitNorm,
});
/** `layerNorm`, or without `b` `rmsNorm`: values, 1/deviation of each row, and with `b` its mean. */
export const trainNorm = (x: Value, w: Value, b: Value | undefined, epsilon: number): readonly Value[] =>
  apply(normOp, b ? [x, w, b] : [x, w], { epsilon });

const logProbGradOp = defineOp({
  name: "TrainLogProbGrad",
  infer: ([logits]) => [sameAs(logits!)],
  emit: native("TrainLogProbGrad"),
});
const logProbOp = defineOp({
  name: "TrainLogProb",
  infer: ([logits]) => [0, 1].map(() => ({ dtype: logits!.dtype, shape: [logits!.shape[0]!] })),
  gradient: ({ inputs: [logits, targets], outputs: [, lse], grads: [g] }) => [
    apply1(logProbGradOp, [logits, targets, lse, g], {}),
    undefined,
  ],
  emit: native("TrainLogProb"),
});
/** `logProbOf` by the native kernel. */
export const trainLogProb = (logits: Value, targets: Value): Value => apply(logProbOp, [logits, targets], {})[0]!;

type AttentionAttrs = { heads: number; kvHeads: number; scale: number; bf16: 0 | 1 };
const emitAttention =
  (type: string) =>
  ({ inputs, outputs, attrs: { heads, kvHeads, scale, bf16 } }: EmitCall<AttentionAttrs>, e: Emitter): void => {
    const attrs = { num_heads: heads, kv_num_heads: kvHeads, scale: float(scale), bf16 };
    native(type)({ inputs, outputs, attrs }, e);
  };

const attentionGradOp = defineOp<AttentionAttrs>({
  name: "TrainAttentionGrad",
  infer: ([q, k, v]) => [sameAs(q!), sameAs(k!), sameAs(v!)],
  emit: emitAttention("TrainAttentionGrad"),
});
const trainAttentionOp = defineOp<AttentionAttrs>({
  name: "TrainAttention",
  infer(inputs, attrs) {
    checkAttention(inputs, attrs);
    const [b, s] = inputs[0]!.shape;
    return [sameAs(inputs[0]!), { dtype: "float32", shape: [b!, attrs.heads, s!] }];
  },
  gradient: ({ inputs: [q, k, v, ...mask], outputs: [y, lse], attrs, grads: [g] }) =>
    apply(attentionGradOp, [q, k, v, y, lse, g, ...mask], attrs),
  emit: emitAttention("TrainAttention"),
});
/** `attention` by the native kernel. The forward keeps one number per row, from which the backward recomputes the probabilities. */
export const trainAttention = (
  [q, k, v]: readonly [Value, Value, Value],
  { heads, kvHeads, scale }: AttentionShape,
  mask: AttentionMask | undefined,
  bf16: boolean,
): Value => {
  const inputs = mask ? [q, k, v, mask.segments, mask.branches] : [q, k, v];
  return apply(trainAttentionOp, inputs, { heads, kvHeads, scale, bf16: bf16 ? 1 : 0 })[0]!;
};
