/** @file Values and nodes: the two record types that a graph is made of. A graph is whatever its outputs reach. */

import type { DType } from "./dtype.ts";
import type { Op } from "./op.ts";
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

export type Attr = number | string | boolean | readonly number[] | object | undefined;
export type Attrs = Readonly<Record<string, Attr>>;

/** One use of an op. Nodes never change after they were made; a pass builds new ones. */
export interface Node {
  readonly op: Op;
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: Attrs;
  readonly outputs: readonly Value[];
  /** Where in the model the node was made, such as "decoder/layers.3/mlp"; used in names and errors. */
  readonly scope: string;
}

let currentScope = "";

/** Runs `build` with `name` appended to the scope that new nodes record. @example `scoped("layers.0", () => layer(x))` */
export function scoped<T>(name: string, build: () => T): T {
  const outer = currentScope;
  currentScope = outer ? `${outer}/${name}` : name;
  try {
    return build();
  } finally {
    currentScope = outer;
  }
}

/** Makes a node and its output values. Ops call it through `apply`, which infers the types. */
export function makeNode(
  op: Op,
  inputs: readonly (Value | undefined)[],
  attrs: Attrs,
  types: readonly TensorType[],
  scope = currentScope,
): Node {
  const outputs: Value[] = [];
  const node: Node = { op, inputs, attrs, outputs, scope };
  types.forEach((type, output) => {
    outputs.push({ ...type, node, output });
  });
  return node;
}
