/** @file Log-probability of one class per row, stable, with a gradient that never forms log-probabilities twice. */

import { apply1, defineOp } from "../op.ts";
import { showShape } from "../shape.ts";
import type { Value } from "../value.ts";
import { mul, sub } from "./elementwise.ts";
import { reshape } from "./movement.ts";
import { softmax } from "./reduction.ts";

const oneHotOp = defineOp<{ width: number }>({
  name: "OneHot",
  infer: ([indices], { width }) => [{ dtype: "float32", shape: [...indices!.shape, width] }],
  emit: ({ inputs, outputs, attrs: { width } }, e) =>
    e.node("OneHot", [e.name(inputs[0]), e.int64([width], true), e.float32Pair(0, 1)], e.outputs(outputs), {
      axis: -1,
    }),
});
/** 1 at each index, 0 elsewhere: int64 [...] → float32 [..., width]. */
export const oneHot = (indices: Value, width: number): Value => apply1(oneHotOp, [indices], { width });

export const logProbOp = defineOp({
  name: "LogProbOf",
  infer([logits, targets]) {
    if (logits!.shape.length !== 2 || targets!.shape.length !== 1 || logits!.shape[0] !== targets!.shape[0])
      throw new RangeError(`expected logits [rows, classes] and targets [rows], found ${showShape(targets!.shape)}`);
    return [{ dtype: "float32", shape: targets!.shape }];
  },
  // d log p(target)/d logits = onehot(target) - softmax(logits)
  gradient({ inputs: [logits, targets], grads: [g] }) {
    const column = reshape(g!, [g!.shape[0]!, 1]);
    return [mul(column, sub(oneHot(targets!, logits!.shape[1] as number), softmax(logits!))), undefined];
  },
  emit({ inputs: [logits, targets], outputs }, e) {
    const [all, column, picked] = [e.temp("log_softmax"), e.temp("column"), e.temp("picked")];
    e.node("LogSoftmax", [e.name(logits)], [all], { axis: -1 });
    e.node("Unsqueeze", [e.name(targets), e.int64([1])], [column]);
    e.node("GatherElements", [all, column], [picked], { axis: 1 });
    e.node("Squeeze", [picked, e.int64([1])], e.outputs(outputs));
  },
});
/** log softmax(logits)[target] per row: logits [rows, classes], targets int64 [rows] → [rows]. Cross-entropy is its negative. */
export const logProbOf = (logits: Value, targets: Value): Value => apply1(logProbOp, [logits, targets], {});
