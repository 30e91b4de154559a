/** @file The records that a graph is made of: values, nodes and ops. A graph is whatever its outputs reach. */

import type { DType } from "./dtype.ts";
import type { Shape } from "./shape.ts";

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** One tensor in a graph: output number `output` of `node`. */
export interface Value extends TensorType {
  readonly node: Node;
  readonly output: number;
}

/** Results of a graph by name. */
export type GraphOutputs = Readonly<Record<string, Value>>;

export type Attr = number | string | boolean | readonly number[] | object | undefined;
export type Attrs = Readonly<Record<string, Attr>>;

/** Where a node belongs. A pass gives the nodes it makes the place of the node they replace. */
export interface Place {
  /** Where in the model the node was made, such as "decoder/layers.3"; used in names and errors. */
  readonly scope: string;
  /**
   * Set in nodes that `gradients` made: the scope of the node they differentiate, or "" where they add up gradients.
   * Undefined in forward nodes.
   */
  readonly gradientOf: string | undefined;
}

/** One use of an op. Nodes never change after they were made; a pass builds new ones. */
export interface Node<A extends Attrs = Attrs> extends Place {
  readonly op: Op<A>;
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: A;
  readonly outputs: readonly Value[];
}

/** The argument of a gradient rule: the call to differentiate, and d(loss)/d(output) of every output that the loss depends on. */
export interface GradientCall<A> {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attrs: A;
  readonly grads: readonly (Value | undefined)[];
  /** `needs[i]` is false where the gradient of input i is not used, so a rule can skip it. */
  readonly needs: readonly boolean[];
}

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
  /**
   * Types of the outputs. Throws a RangeError or TypeError when the inputs do not fit. The message is the reason alone:
   * `apply` puts the op and its inputs before it.
   */
  infer(inputs: readonly Value[], attrs: A): readonly TensorType[];
  /**
   * New nodes for d(loss)/d(input i), or undefined where there is none. A gradient may have the broadcast shape of the
   * output: `backward` sums it to the input's shape, so no rule has to.
   */
  gradient?(call: GradientCall<A>): readonly (Value | undefined)[];
  /** Writes the op as one or more ONNX nodes. Sources (inputs, weights, constants) have none. */
  emit?(call: EmitCall<A>, to: Emitter): void;
}

let current: Place = { scope: "", gradientOf: undefined };

function within<T>(place: Place, build: () => T): T {
  const outer = current;
  current = place;
  try {
    return build();
  } finally {
    current = outer;
  }
}

/** Runs `build` with `name` appended to the scope that new nodes record. @example `scoped("layers.0", () => layer(x))` */
export const scoped = <T>(name: string, build: () => T): T =>
  within({ ...current, scope: current.scope ? `${current.scope}/${name}` : name }, build);

/** Runs `build` with new nodes marked as part of the gradient of nodes in `scope`. */
export const markedGradientOf = <T>(scope: string, build: () => T): T =>
  within({ ...current, gradientOf: scope }, build);

/** Runs `build` with new nodes in the place of `node`, which they replace. */
export const inPlaceOf = <T>({ scope, gradientOf }: Place, build: () => T): T => within({ scope, gradientOf }, build);

/** Makes a node and its output values. Ops call it through `apply`, which infers the types. */
export function makeNode(
  op: Op,
  inputs: readonly (Value | undefined)[],
  attrs: Attrs,
  types: readonly TensorType[],
  { scope, gradientOf }: Place = current,
): Node {
  const outputs: Value[] = [];
  const node: Node = { op, inputs, attrs, outputs, scope, gradientOf };
  types.forEach((type, output) => {
    outputs.push({ ...type, node, output });
  });
  return node;
}

declare const matched: unique symbol;
/** A node that is known to use an op. The mark exists in types only: without it, a node that fails a match would be `never`. */
export type UseOf<A extends Attrs> = Node<A> & { readonly [matched]: true };

/** Whether a node is a use of `op`; its attributes then have the op's type. @example isOp(node, linearOp) */
export const isOp = <A extends Attrs>(node: Node | undefined, op: Op<A>): node is UseOf<A> =>
  node !== undefined && node.op === (op as unknown as Op);

/** Whether a value comes from a use of `op`. @example isResultOf(v, linearOp) && v.node.inputs[1] */
export const isResultOf = <A extends Attrs>(
  value: Value | undefined,
  op: Op<A>,
): value is Value & { readonly node: UseOf<A> } => isOp(value?.node, op);
