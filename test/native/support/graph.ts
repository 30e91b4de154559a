/** @file Graphs that use the library's ops, run by ONNX Runtime. */

import { type Attrs, apply1, type DType, defineOp, input, serialize, type Value } from "../../../src/graph/index.ts";
import type { TensorData } from "../../../src/runtime/index.ts";
import { nativeRuntime } from "../../../src/runtime/ort/index.ts";
import { libraryPath, type Product } from "./library.ts";

export interface Feed {
  dtype: "float32" | "float16" | "uint8";
  dims: number[];
  data: TensorData;
}

/** What ONNX Runtime computes for one node of the library's `op`: its inputs are `feeds` in order, y has `dims`. */
export async function runOp(
  op: string,
  attrs: Attrs,
  feeds: Record<string, Feed>,
  dims: number[],
  threads = 2,
): Promise<Float32Array> {
  const described = defineOp({
    name: op,
    infer: () => [{ dtype: "float32" as DType, shape: dims }],
    emit: ({ inputs, outputs, attrs }, e) => e.node(op, inputs.map(e.name), e.outputs(outputs), attrs, "flashvl"),
  });
  const inputs: Value[] = Object.entries(feeds).map(([name, feed]) => input(name, feed.dtype, feed.dims));
  const runtime = nativeRuntime();
  await using session = await runtime.createSession(
    serialize({ y: apply1(described, inputs, attrs) }, "inputs").bytes,
    { customOps: libraryPath!, threads },
  );
  for (const [name, { dtype, dims, data }] of Object.entries(feeds))
    session.bindInput(name, runtime.wrap(dtype, dims, data.buffer, data.byteOffset));
  const y = runtime.createTensor("float32", dims);
  session.bindOutput("y", y);
  await session.run();
  return (y.data as Float32Array).slice();
}

/** Feeds and attributes of a blockwise product over rows of the shape `lead`. */
export function blockwiseCall(p: Product, lead: number[] = [p.m]): { attrs: Attrs; feeds: Record<string, Feed> } {
  const feeds: Record<string, Feed> = {
    x: { dtype: "float32", dims: [...lead, p.k], data: p.x },
    w: { dtype: "uint8", dims: [p.values.length], data: p.values },
    scales: { dtype: p.scales instanceof Uint16Array ? "float16" : "float32", dims: [p.scales.length], data: p.scales },
  };
  if (p.bias) feeds.bias = { dtype: "float32", dims: [p.n], data: p.bias };
  return { attrs: { K: p.k, N: p.n, bits: p.bits, block_size: p.block, width: p.n }, feeds };
}
