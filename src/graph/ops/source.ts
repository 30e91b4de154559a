/** @file Where values come from: graph inputs, weights and constants. None has inputs, a gradient or an ONNX node. */

import type { DType } from "../dtype.ts";
import { apply1, defineOp } from "../op.ts";
import { elementCount, type Shape, showShape } from "../shape.ts";
import { isResultOf, type TensorType, type Value } from "../value.ts";

export type ConstantData = Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;

type SourceAttrs = { readonly name: string; readonly dtype: DType; readonly shape: Shape };
type WeightAttrs = SourceAttrs & { readonly recipe: object | undefined };
type ConstantAttrs = { readonly dtype: DType; readonly shape: Shape; readonly data: ConstantData };

const typeOf = ({ dtype, shape }: TensorType): TensorType => ({ dtype, shape });

export const inputOp = defineOp<SourceAttrs>({ name: "Input", infer: (_, attrs) => [typeOf(attrs)] });
export const weightOp = defineOp<WeightAttrs>({ name: "Weight", infer: (_, attrs) => [typeOf(attrs)] });
export const constantOp = defineOp<ConstantAttrs>({
  name: "Constant",
  infer(_, attrs) {
    const want = elementCount(attrs.shape);
    if (attrs.data.length !== want)
      throw new RangeError(`shape ${showShape(attrs.shape)} needs ${want} elements, the data has ${attrs.data.length}`);
    return [typeOf(attrs)];
  },
});

/** A tensor that is given when the graph runs. @example `input("pixels", "float32", ["batch", 3, 512, 512])` */
export const input = (name: string, dtype: DType, shape: Shape): Value => apply1(inputOp, [], { name, dtype, shape });

/**
 * A named parameter. `recipe` tells whoever writes the weights file how to make the bytes when they are not simply the
 * tensor `name` of the checkpoint; the graph room does not look into it.
 */
export const weight = (name: string, dtype: DType, shape: Shape, recipe?: object): Value =>
  apply1(weightOp, [], { name, dtype, shape, recipe });

/** A tensor whose content is part of the graph. @example `constant(new Float32Array([1, 2]), "float32", [2])` */
export const constant = (data: ConstantData, dtype: DType, shape: Shape): Value =>
  apply1(constantOp, [], { data, dtype, shape });

/** A float32 scalar. */
export const scalar = (value: number): Value => constant(Float32Array.of(value), "float32", []);

export const isInput = (v: Value): boolean => isResultOf(v, inputOp);
export const isWeight = (v: Value): boolean => isResultOf(v, weightOp);

/** The name of an input or weight. */
export function sourceName(v: Value): string {
  if (isResultOf(v, inputOp) || isResultOf(v, weightOp)) return v.node.attrs.name;
  throw new TypeError(`A ${v.node.op.name} has no name; expected an input or a weight.`);
}
