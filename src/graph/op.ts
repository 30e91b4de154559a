/** @file Declaring ops and using them. */

import { showShape } from "./shape.ts";
import { type Attrs, type EmitCall, type Emitter, makeNode, type Op, type TensorType, type Value } from "./value.ts";

/** An ONNX attribute of type float, also where its value is a whole number: plain whole numbers become ints. */
export const float = (value: number) => ({ float: value });

/** Declares an op; only gives the record its type. */
export const defineOp = <A extends Attrs>(op: Op<A>): Op<A> => op;

/**
 * Uses an op: checks the inputs, infers the output types, makes the node.
 * @throws Error naming the op and the shapes found, with the shape rule's own reason
 */
export function apply<A extends Attrs>(op: Op<A>, inputs: readonly (Value | undefined)[], attrs: A): readonly Value[] {
  let types: readonly TensorType[];
  try {
    types = op.infer(inputs as readonly Value[], attrs);
  } catch (error) {
    const found = inputs.map((v) => (v ? `${v.dtype}${showShape(v.shape)}` : "none")).join(", ");
    const reason = error instanceof Error ? error.message : `${error}`;
    throw new Error(`${op.name}(${found}): ${reason.replace(/\.?$/, ".")}`, { cause: error });
  }
  return makeNode(op as unknown as Op, inputs, attrs, types).outputs;
}

/** `apply` for ops with a single output. */
export const apply1 = <A extends Attrs>(op: Op<A>, inputs: readonly (Value | undefined)[], attrs: A): Value =>
  apply(op, inputs, attrs)[0]!;

/** The ONNX form of an op that exists there under `type` with the same inputs, outputs and attributes. */
export const direct =
  (type: string, domain = "") =>
  ({ inputs, outputs, attrs }: EmitCall<Attrs>, to: Emitter): void => {
    to.node(
      type,
      inputs.map((v) => to.name(v)),
      to.outputs(outputs),
      attrs,
      domain,
    );
  };

/** Throws unless all values share one dtype, and returns it. */
export function commonDType(values: readonly Value[]): Value["dtype"] {
  const dtypes = new Set(values.map((v) => v.dtype));
  if (dtypes.size !== 1)
    throw new TypeError(`expected one element type, found ${[...dtypes].join(" and ")}: cast one side`);
  return values[0]!.dtype;
}
