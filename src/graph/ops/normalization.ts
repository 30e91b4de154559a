/** @file LayerNorm and RMSNorm over the last axis, each one kernel forward and a few ops backward. */

import { apply, commonDType, defineOp, float } from "../op.ts";
import { type Shape, sameShape, showShape } from "../shape.ts";
import type { EmitCall, Emitter, TensorType, Value } from "../value.ts";
import { mul, sub } from "./elementwise.ts";
import { reduceMean, reduceSum } from "./reduction.ts";

type NormAttrs = { epsilon: number };

const perRow = (shape: Shape): Shape => [...shape.slice(0, -1), 1];
const rowAxes = (shape: Shape): number[] => shape.slice(0, -1).map((_, i) => i);

function inferNorm(stats: number) {
  return ([x, ...params]: readonly Value[]): TensorType[] => {
    for (const p of params)
      if (p.shape.length !== 1 || p.shape[0] !== x!.shape.at(-1))
        throw new RangeError(`the parameter ${showShape(p.shape)} does not fit rows of ${x!.shape.at(-1)}`);
    const stat = { dtype: x!.dtype, shape: perRow(x!.shape) };
    return [{ dtype: x!.dtype, shape: x!.shape }, ...Array<TensorType>(stats).fill(stat)];
  };
}

const emitNorm =
  (type: string, extra: object) =>
  ({ inputs, outputs, attrs }: EmitCall<NormAttrs>, e: Emitter): void =>
    e.node(
      type,
      inputs.map((v) => e.name(v)),
      e.outputs(outputs),
      { axis: -1, epsilon: float(attrs.epsilon), ...extra },
    );

export const layerNormOp = defineOp<NormAttrs>({
  name: "LayerNorm",
  infer: inferNorm(2),
  // x̂ = (x - mean)·r, h = g ⊙ w: dx = r·(h - mean(h) - x̂·mean(h ⊙ x̂))  (Ba et al., arXiv 1607.06450)
  gradient({ inputs: [x, w], outputs: [, mean, r], grads: [g], needs }) {
    const hat = mul(sub(x!, mean!), r!);
    const rows = rowAxes(x!.shape);
    const dx = () => {
      const h = mul(g!, w!);
      return mul(r!, sub(sub(h, reduceMean(h, [-1], true)), mul(hat, reduceMean(mul(h, hat), [-1], true))));
    };
    return [
      needs[0] ? dx() : undefined,
      needs[1] ? reduceSum(mul(g!, hat), rows) : undefined,
      needs[2] ? reduceSum(g!, rows) : undefined,
    ];
  },
  emit: emitNorm("LayerNormalization", { stash_type: 1 }),
});
/** (x - mean)/sqrt(var + epsilon)·w + b over the last axis. */
export const layerNorm = (x: Value, w: Value, b: Value, epsilon: number): Value =>
  apply(layerNormOp, [x, w, b], { epsilon })[0]!;

export const rmsNormOp = defineOp<NormAttrs>({
  name: "RmsNorm",
  infer: inferNorm(1),
  // r = 1/sqrt(mean(x²) + epsilon), h = g ⊙ w: dx = r·(h - x·r²·mean(h ⊙ x))  (Zhang & Sennrich, arXiv 1910.07467)
  gradient({ inputs: [x, w], outputs: [, r], grads: [g], needs }) {
    const dx = () => {
      const h = mul(g!, w!);
      return mul(r!, sub(h, mul(x!, mul(mul(r!, r!), reduceMean(mul(h, x!), [-1], true)))));
    };
    return [needs[0] ? dx() : undefined, needs[1] ? reduceSum(mul(g!, mul(x!, r!)), rowAxes(x!.shape)) : undefined];
  },
  emit: emitNorm("SimplifiedLayerNormalization", { stash_type: 1 }),
});
const addRmsNormOp = defineOp<NormAttrs>({
  name: "AddRmsNorm",
  infer([a, b, w]) {
    if (!sameShape(a!.shape, b!.shape))
      throw new RangeError(`${showShape(a!.shape)} and ${showShape(b!.shape)} differ: nothing is broadcast here`);
    const sum = { dtype: commonDType([a!, b!]), shape: a!.shape };
    return [inferNorm(0)([a!, w!])[0]!, sum];
  },
  emit({ inputs, outputs, attrs: { epsilon } }, e) {
    const [normed, sum] = e.outputs(outputs);
    const names = inputs.map((v) => e.name(v));
    const all = [normed!, "", "", sum ?? ""];
    e.node("SkipSimplifiedLayerNormalization", names, all, { epsilon: float(epsilon) }, "com.microsoft");
  },
});
/** [rmsNorm(a + b), a + b] as one kernel. Inference only. */
export const addRmsNorm = (a: Value, b: Value, w: Value, epsilon: number): readonly Value[] =>
  apply(addRmsNormOp, [a, b, w], { epsilon });

/** x/sqrt(mean(x²) + epsilon)·w over the last axis. */
export const rmsNorm = (x: Value, w: Value, epsilon: number): Value => apply(rmsNormOp, [x, w], { epsilon })[0]!;
