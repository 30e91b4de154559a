/** @file Graphs as data: shape errors, missing rules, ONNX bytes, rewriting. */

import { describe, expect, test } from "vitest";
import * as g from "../../src/graph/index.ts";
import { evaluate } from "../train/evaluate.ts";

const f32 = (name: string, shape: readonly (number | string)[]) => g.input(name, "float32", shape);

describe("a call that does not fit names the op, the shapes and the reason", () => {
  const calls: [string, () => unknown, RegExp][] = [
    ["add", () => g.add(f32("a", [2, 3]), f32("b", [4])), /^Add\(float32\[2, 3\], float32\[4\]\): .*3 is not 4/],
    [
      "add of two types",
      () => g.add(f32("a", [2]), g.input("b", "int64", [2])),
      /^Add\(.*\): expected one element type/,
    ],
    [
      "matmul",
      () => g.matmul(f32("a", [2, 3]), f32("b", [4, 5])),
      /^MatMul\(.*\): the inner dimensions 3 and 4 differ/,
    ],
    ["matmul of a vector", () => g.matmul(f32("a", [3]), f32("b", [3, 5])), /^MatMul\(.*\[3\] is not a matrix/],
    [
      "linear",
      () => g.linear(f32("x", [2, 3]), f32("w", [5, 4])),
      /^Linear\(float32\[2, 3\], float32\[5, 4\], none\): the weight \[5, 4\]/,
    ],
    [
      "linear's bias",
      () => g.linear(f32("x", [2, 3]), f32("w", [5, 3]), f32("b", [3])),
      /^Linear\(.*the bias \[3\] does not fit 5/,
    ],
    ["reshape", () => g.reshape(f32("x", [2, 3]), [4, 2]), /^Reshape\(float32\[2, 3\]\): .*\[4, 2\]/],
    ["transpose", () => g.transpose(f32("x", [2, 3]), [0, 0]), /^Transpose\(.*\[0,0\] is not an order of the 2 axes/],
    ["slice", () => g.slice(f32("x", [2, 3]), 1, 2, 5), /^Slice\(.*rows 2 to 5 are not inside axis 1/],
    ["concat", () => g.concat([f32("a", [2, 3]), f32("b", [2, 4])], 0), /^Concat\(.*shapes differ outside axis 0/],
    ["softmax axis", () => g.reduceSum(f32("x", [2, 3]), [2]), /axis 2 is outside a tensor of rank 2/],
    ["gather", () => g.gather(f32("t", [4, 2]), f32("i", [3])), /^Gather\(.*the indices are float32, expected int64/],
    [
      "layerNorm",
      () => g.layerNorm(f32("x", [2, 3]), f32("w", [4]), f32("b", [3]), 1e-6),
      /^LayerNorm\(.*\[4\] does not fit rows of 3/,
    ],
    [
      "where",
      () => g.where(f32("c", [2]), f32("a", [2]), f32("b", [2])),
      /^Where\(.*the condition is float32, expected bool/,
    ],
    [
      "logProbOf",
      () => g.logProbOf(f32("x", [2, 3]), g.input("t", "int64", [3])),
      /^LogProbOf\(.*expected logits \[rows, classes\]/,
    ],
    ["constant", () => g.constant(new Float32Array(3), "float32", [2]), /needs 2 elements, the data has 3/],
    ["geluTanh of a scalar", () => g.geluTanh(g.scalar(1)), /^GeluTanh\(float32\[\]\): a scalar has no kernel/],
  ];
  test.each(calls)("%s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe("reverse mode", () => {
  test("an op without a rule is named with its path to the loss", () => {
    const x = f32("x", [1, 4, 8]);
    const loss = g.scoped("tower/layers.3", () => {
      const y = g.multiHeadAttention(x, x, x, 2, 1);
      return g.reduceSum(g.exp(y), [0, 1, 2]);
    });
    expect(() => g.gradients(loss, [x])).toThrow(
      "MultiHeadAttention has no gradient rule; its path to the loss is tower/layers.3/MultiHeadAttention → tower/layers.3/Exp → tower/layers.3/ReduceSum",
    );
  });

  test("only what lies between a target and the loss is differentiated", () => {
    const [x, w] = [f32("x", [1, 4, 8]), f32("w", [8])];
    // The kernel has no rule, but no target lies behind it.
    const y = g.mul(g.multiHeadAttention(x, x, x, 2, 1), w);
    const [dw, none] = g.gradients(g.reduceSum(y, [0, 1, 2]), [w, f32("other", [2])]);
    expect(dw!.shape).toEqual([8]);
    expect(none).toBeUndefined();
  });

  test("a loss that is no scalar is refused", () => {
    expect(() => g.gradients(f32("x", [2]), [])).toThrow("needs a scalar loss; found shape [2]");
  });

  test("gradients of gradients are graphs too", async () => {
    const x = f32("x", [3]);
    const [first] = g.gradients(g.reduceSum(g.mul(g.mul(x, x), x), [0]), [x]);
    const [second] = g.gradients(g.reduceSum(first!, [0]), [x]);
    const found = await evaluate({ first: first!, second: second! }, { x: [1, 2, -3] });
    expect(found).toEqual({ first: [3, 12, 27], second: [6, 12, -18] });
  });

  test("a deep chain does not exhaust the stack", () => {
    const x = f32("x", []);
    let y = x;
    for (let i = 0; i < 20_000; i++) y = g.add(y, x);
    expect(g.gradients(y, [x])[0]!.shape).toEqual([]);
  });
});

describe("serialisation", () => {
  test("inputs, weights and outputs keep their names; one value may have two names; an input may pass through", async () => {
    const x = f32("x", [2]);
    const w = g.weight("model.w", "float32", [2]);
    const y = g.mul(x, w);
    const { inputs, weights } = g.serialize({ y }, "inputs");
    expect(inputs.map(g.sourceName)).toEqual(["x"]);
    expect(weights.map(g.sourceName)).toEqual(["model.w"]);
    const found = await evaluate({ first: y, second: y, same: x }, { x: [1, 2], "model.w": [3, 4] });
    expect(found).toEqual({ first: [3, 8], second: [3, 8], same: [1, 2] });
  });

  test("the same graph gives the same bytes", () => {
    const build = () => {
      const x = f32("x", [2, 3]);
      return g.serialize({ y: g.softmax(g.linear(x, g.weight("w", "float32", [4, 3]))) }, "inputs").bytes;
    };
    expect(Buffer.from(build()).equals(Buffer.from(build()))).toBe(true);
  });

  test("two inputs of one name are refused", () => {
    expect(() => g.serialize({ y: g.add(f32("x", [2]), f32("x", [2])) }, "inputs")).toThrow(
      'Two graph inputs are named "x"',
    );
  });

  test("a value that has a name of its own gives way to inputs of that name", async () => {
    const x = g.input("Exp:0", "float32", [1]);
    const found = await evaluate({ y: g.neg(g.exp(x)) }, { "Exp:0": [0] });
    expect(found.y).toEqual([-1]);
  });
});

describe("rewriting", () => {
  const x = f32("x", [2]);
  const kept = g.exp(x);
  const y = g.add(g.neg(g.mul(x, x)), kept);

  test("replaces nodes wherever they stand and shares what it does not touch", async () => {
    const { z } = g.rewrite({ z: y }, (node, inputs) =>
      node.op.name === "Mul" ? [g.add(inputs[0]!, inputs[1]!)] : undefined,
    );
    expect(z).not.toBe(y);
    expect(z.node.inputs[1]).toBe(kept);
    expect(await evaluate({ z, y }, { x: [0, 3] })).toMatchObject({ y: [1, -9 + Math.fround(Math.exp(3))] });
    const found = await evaluate({ z }, { x: [0, 3] });
    expect(found.z![1]).toBeCloseTo(-6 + Math.exp(3), 4);
  });

  test("without replacements it is the same graph", () => {
    expect(g.rewrite({ y }, () => undefined).y).toBe(y);
  });

  test("a replacement with too few outputs is named", () => {
    expect(() => g.rewrite({ y }, (node) => (node.op.name === "Mul" ? [] : undefined))).toThrow(
      /Mul has 0 of 1 outputs/,
    );
  });
});
