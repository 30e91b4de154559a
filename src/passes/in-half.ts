/** @file The pass that computes a float32 graph in float16: half the bytes of weights and activations, for devices that are fast at it. */
import {
  apply,
  cast,
  constantOp,
  type DType,
  type GraphOutputs,
  input,
  inputOp,
  isOp,
  type Node,
  rewrite,
  type Value,
  weight,
  weightOp,
} from "../graph/index.ts";

/** Inputs and outputs that change to float16 too, by name. All others keep their types and are cast inside the graph. */
export interface HalfOptions {
  readonly inputs?: (name: string) => boolean;
  readonly outputs?: (name: string) => boolean;
}

/**
 * The same outputs with every float32 weight and activation in float16. Sums inside norms, products and attention stay
 * float32: norms ask for it (`stash_type` 1), and ONNX Runtime's kernels do so for the others.
 * @example inHalf(decoderGraph(config), { inputs: (name) => name.startsWith("past."), outputs: (name) => name.startsWith("present.") })
 */
export function inHalf(
  outputs: GraphOutputs,
  { inputs = () => false, outputs: isHalfOutput = () => false }: HalfOptions = {},
): GraphOutputs {
  const halves = rewrite(outputs, (node, now) => halved(node, now, inputs));
  return Object.fromEntries(
    Object.entries(halves).map(([name, v]) => [name, isHalfOutput(name) ? v : cast(v, outputs[name]!.dtype)]),
  );
}

const half = (dtype: DType): DType => (dtype === "float32" ? "float16" : dtype);

function halved(
  node: Node,
  inputs: readonly (Value | undefined)[],
  isHalfInput: (name: string) => boolean,
): readonly Value[] | undefined {
  const first = node.outputs[0]!;
  if (isOp(node, inputOp)) {
    const { name, dtype, shape } = node.attrs;
    if (dtype !== "float32") return undefined;
    return [isHalfInput(name) ? input(name, "float16", shape) : cast(first, "float16")];
  }
  if (isOp(node, weightOp)) {
    const { name, dtype, shape, recipe } = node.attrs;
    return [weight(name, half(dtype), shape, recipe)];
  }
  if (isOp(node, constantOp)) return [cast(first, half(first.dtype))];
  return apply(node.op, inputs, node.attrs);
}
