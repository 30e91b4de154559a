/** @file What an op is: a shape rule, a gradient rule and a form in ONNX, side by side in one record. */

import { showShape } from "./shape.ts";
import { type Attrs, makeNode, type TensorType, type Value } from "./value.ts";

/** What a gradient rule is given: the call it differentiates and d(loss)/d(output) of every output that matters. */
export interface GradientCall<A> {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attrs: A;
  readonly grads: readonly (Value | undefined)[];
  /** `needs[i]` is false where nobody asks for the gradient of input i, so a rule can skip work. */
  readonly needs: readonly boolean[];
}

/** Marks an ONNX attribute as a float where its value happens to be whole: plain whole numbers become ints. */
export const float = (value: number) => ({ float: value });

/** What an ONNX form writes to. Names are unique; constants are shared by value. */
export interface Emitter {
  name(value: Value | undefined): string;
  outputs(values: readonly Value[]): string[];
  temp(hint: string): string;
  int64(values: readonly number[], scalar?: boolean): string;
  float32(value: number): string;
  float32Pair(a: number, b: number): string;
  node(type: string, inputs: string[], outputs: string[], attrs?: Attrs, domain?: string): void;
}

export interface EmitCall<A> {
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attrs: A;
}

export interface Op<A extends Attrs = Attrs> {
  readonly name: string;
  /** Types of the outputs. Throws a RangeError or TypeError when the inputs do not fit. */
  infer(inputs: readonly Value[], attrs: A): readonly TensorType[];
  /**
   * New nodes for d(loss)/d(input i), or undefined where there is none. A gradient may have the broadcast shape of the
   * output: `backward` sums it to the input's shape, so no rule has to.
   */
  gradient?(call: GradientCall<A>): readonly (Value | undefined)[];
  /** Writes the op as one or more ONNX nodes. Sources (inputs, weights, constants) have none. */
  emit?(call: EmitCall<A>, to: Emitter): void;
}

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
    throw new Error(`${op.name}(${found}): ${error instanceof Error ? error.message : error}`, { cause: error });
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
