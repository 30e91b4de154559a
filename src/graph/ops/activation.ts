/** @file Activation functions that ONNX Runtime has as one kernel, with gradients written in elementwise ops. */

import { apply1, defineOp, direct, float } from "../op.ts";
import type { Value } from "../value.ts";
import { add, erf, exp, mul, sigmoid, sub, tanh } from "./elementwise.ts";
import { scalar } from "./source.ts";

const sameType = ([x]: readonly Value[]) => [{ dtype: x!.dtype, shape: x!.shape }];

export const geluOp = defineOp({
  name: "Gelu",
  infer: sameType,
  // d/dx x·Φ(x) = Φ(x) + x·φ(x), with Φ(x) = (1 + erf(x/√2))/2 (Hendrycks & Gimpel, arXiv 1606.08415)
  gradient({ inputs: [x], grads: [grad] }) {
    const cdf = add(mul(erf(mul(x!, scalar(Math.SQRT1_2))), scalar(0.5)), scalar(0.5));
    const pdf = mul(exp(mul(mul(x!, x!), scalar(-0.5))), scalar(1 / Math.sqrt(2 * Math.PI)));
    return [mul(grad!, add(cdf, mul(x!, pdf)))];
  },
  emit: direct("Gelu", "com.microsoft"),
});
/** x·Φ(x), exact. */
export const gelu = (x: Value): Value => apply1(geluOp, [x], {});

const C = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

export const geluTanhOp = defineOp({
  name: "GeluTanh",
  infer([x]) {
    // ONNX Runtime's FastGelu refuses scalars, but only when the graph runs.
    if (x!.shape.length === 0) throw new RangeError("a scalar has no kernel: reshape it to [1]");
    return sameType([x!]);
  },
  // y = x/2·(1 + t), t = tanh(C·(x + CUBIC·x³)); dy/dx = (1 + t)/2 + x/2·(1 - t²)·C·(1 + 3·CUBIC·x²)
  gradient({ inputs: [x], grads: [grad] }) {
    const xx = mul(x!, x!);
    const t = tanh(mul(x!, add(mul(xx, scalar(C * CUBIC)), scalar(C))));
    const slope = add(mul(xx, scalar(1.5 * C * CUBIC)), scalar(0.5 * C));
    const inner = mul(mul(x!, slope), sub(scalar(1), mul(t, t)));
    return [mul(grad!, add(add(mul(t, scalar(0.5)), scalar(0.5)), inner))];
  },
  emit: direct("FastGelu", "com.microsoft"),
});
/** The tanh approximation of GELU ("gelu_pytorch_tanh"). */
export const geluTanh = (x: Value): Value => apply1(geluTanhOp, [x], {});

export const siluOp = defineOp({
  name: "Silu",
  infer: sameType,
  // dy/dx = s·(1 + x·(1 - s)) = s + y·(1 - s), s = sigmoid(x)
  gradient({ inputs: [x], outputs: [y], grads: [grad] }) {
    const s = sigmoid(x!);
    return [mul(grad!, add(s, mul(y!, sub(scalar(1), s))))];
  },
  // QuickGelu(alpha) is x·sigmoid(alpha·x): with alpha 1 it is SiLU in one kernel.
  emit: ({ inputs, outputs }, e) =>
    e.node("QuickGelu", [e.name(inputs[0])], e.outputs(outputs), { alpha: float(1) }, "com.microsoft"),
});
/** x·sigmoid(x). */
export const silu = (x: Value): Value => apply1(siluOp, [x], {});

export const swiGluOp = defineOp({
  name: "SwiGlu",
  infer([x]) {
    const width = x!.shape.at(-1) as number;
    if (width % 2 !== 0) throw new RangeError(`${width} columns are not a gate and as many others`);
    return [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, -1), width / 2] }];
  },
  emit({ inputs: [x], outputs }, e) {
    const [gate, up, open] = ["gate", "up", "open"].map(e.temp);
    e.node("Split", [e.name(x)], [gate!, up!], { axis: -1, num_outputs: 2 });
    e.node("QuickGelu", [gate!], [open!], { alpha: float(1) }, "com.microsoft");
    e.node("Mul", [open!, up!], e.outputs(outputs));
  },
});
/** silu(gate)·up, with gate and up side by side: [..., 2n] → [..., n] (Shazeer, arXiv 2002.05202). Inference only. */
export const swiGlu = (x: Value): Value => apply1(swiGluOp, [x], {});
