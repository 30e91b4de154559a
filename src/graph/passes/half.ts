/** @file The pass that computes a float32 graph in float16: half the bytes of weights and activations, for devices that are fast at it. */
import type { DType } from "../dtype.ts";
import { apply } from "../op.ts";
import { cast } from "../ops/elementwise.ts";
import { constantOp, input, inputOp, weight, weightOp } from "../ops/source.ts";
import { rewrite } from "../rewrite.ts";
import { type Node, scoped, type Value } from "../value.ts";

/** What of a graph's door becomes float16 as well; everything else is cast just inside it. */
export interface HalfOptions {
  /** Inputs, by name, that are given in float16. */
  readonly inputs?: (name: string) => boolean;
  /** Outputs, by name, that are told in float16. */
  readonly outputs?: (name: string) => boolean;
}

/**
 * The same outputs with every float32 weight and activation in float16. Inputs and outputs keep their types, except those
 * that the options name. What must not be rounded between two numbers stays exact inside one op: norms sum in float32
 * (`stash_type` 1), and so do the products and attentions of ONNX Runtime's kernels.
 * @example inHalf(decoderGraph(config), { inputs: (name) => name.startsWith("past."), outputs: (name) => name.startsWith("present.") })
 */
export function inHalf(
  outputs: Readonly<Record<string, Value>>,
  { inputs = () => false, outputs: told = () => false }: HalfOptions = {},
): Record<string, Value> {
  const names = Object.keys(outputs);
  const values = rewrite(Object.values(outputs), (node, now) => scoped(node.scope, () => halved(node, now, inputs)));
  return Object.fromEntries(
    names.map((name, i) => [name, told(name) ? values[i]! : cast(values[i]!, outputs[name]!.dtype)]),
  );
}

const half = (dtype: DType): DType => (dtype === "float32" ? "float16" : dtype);

function halved(
  node: Node,
  inputs: readonly (Value | undefined)[],
  given: (name: string) => boolean,
): readonly Value[] | undefined {
  const [first] = node.outputs;
  const { name, shape, recipe } = node.attrs as { name: string; shape: Value["shape"]; recipe?: object };
  if (node.op.name === inputOp.name) {
    if (first!.dtype !== "float32") return undefined;
    return [given(name) ? input(name, "float16", shape) : cast(first!, "float16")];
  }
  if (node.op.name === weightOp.name) return [weight(name, half(first!.dtype), shape, recipe)];
  if (node.op.name === constantOp.name) return [cast(first!, half(first!.dtype))];
  return apply(node.op, inputs, node.attrs);
}
