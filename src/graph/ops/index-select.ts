/** @file Picking rows by index, and adding rows back by index (its gradient). */

import { apply1, commonDType, defineOp, direct } from "../op.ts";
import { isStatic, type Shape, sameShape, showShape } from "../shape.ts";
import type { Value } from "../value.ts";
import { reshape } from "./movement.ts";

const gatherOp = defineOp({
  name: "Gather",
  infer([table, indices]) {
    if (indices!.dtype !== "int64") throw new TypeError(`the indices are ${indices!.dtype}, expected int64`);
    return [{ dtype: table!.dtype, shape: [...indices!.shape, ...table!.shape.slice(1)] }];
  },
  gradient: ({ inputs: [table, indices], grads: [grad] }) => [scatterAddRows(indices!, grad!, table!.shape), undefined],
  emit: ({ inputs, outputs }, e) =>
    e.node(
      "Gather",
      inputs.map((v) => e.name(v)),
      e.outputs(outputs),
      { axis: 0 },
    ),
});
/** Rows of `table` [n, ...] at `indices` int64 [...]. @example gather(embeddings, ids) // [batch, seq, hidden] */
export const gather = (table: Value, indices: Value): Value => apply1(gatherOp, [table, indices], {});

const replaceRowsOp = defineOp({
  name: "ReplaceRows",
  infer([table, indices, rows]) {
    if (indices!.dtype !== "int64") throw new TypeError(`the indices are ${indices!.dtype}, expected int64`);
    if (indices!.shape.length !== 2 || indices!.shape[1] !== 1)
      throw new RangeError(`the indices ${showShape(indices!.shape)} must be [rows, 1]`);
    if (!sameShape(rows!.shape, [indices!.shape[0]!, ...table!.shape.slice(1)]))
      throw new RangeError(`the rows ${showShape(rows!.shape)} do not fit the table ${showShape(table!.shape)}`);
    return [{ dtype: commonDType([table!, rows!]), shape: table!.shape }];
  },
  emit: direct("ScatterND"),
});
/**
 * `table` [n, ...] with row i of `rows` in place of its row indices[i, 0]; indices int64 [rows, 1], none twice. Bound to the
 * table's own memory, the result is written in place. Inference only.
 */
export const replaceRows = (table: Value, indices: Value, rows: Value): Value =>
  apply1(replaceRowsOp, [table, indices, rows], {});

const scatterAddOp = defineOp<{ shape: Shape }>({
  name: "ScatterAddRows",
  infer([indices, updates], { shape }) {
    if (!isStatic(shape) || shape.length !== 2)
      throw new RangeError(`the result ${showShape(shape)} must be [rows, width]`);
    if (indices!.shape.length !== 1 || updates!.shape.length !== 2 || updates!.shape[1] !== shape[1])
      throw new RangeError(`expected indices [n] and updates [n, ${shape[1]}]`);
    return [{ dtype: updates!.dtype, shape }];
  },
  gradient: ({ inputs: [indices], grads: [grad] }) => [undefined, gather(grad!, indices!)],
  // ScatterElements walks its updates in order on one thread, so repeated rows add up in a fixed order; ScatterND with
  // reduction splits them over threads.
  emit({ inputs: [indices, updates], outputs, attrs: { shape } }, e) {
    const [column, full, zeros] = [e.temp("column"), e.temp("full"), e.temp("zeros")];
    const updatesShape = e.temp("updates_shape");
    e.node("Unsqueeze", [e.name(indices), e.int64([1])], [column]);
    e.node("Shape", [e.name(updates)], [updatesShape]);
    e.node("Expand", [column, updatesShape], [full]);
    e.node("ConstantOfShape", [e.int64(shape as number[])], [zeros]);
    e.node("ScatterElements", [zeros, full, e.name(updates)], e.outputs(outputs), { axis: 0, reduction: "add" });
  },
});
/** Zeros of `shape` [rows, width] with row i of `updates` added at row indices[i]; order is fixed, so is the result. */
export function scatterAddRows(indices: Value, updates: Value, shape: Shape): Value {
  const flat =
    indices.shape.length === 1
      ? indices
      : reshape(indices, [indices.shape.reduce<number>((n, d) => n * (d as number), 1)]);
  const rows = reshape(updates, [flat.shape[0]!, shape[1]!]);
  return apply1(scatterAddOp, [flat, rows], { shape });
}
