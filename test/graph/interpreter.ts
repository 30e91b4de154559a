/** @file A second, slow opinion on graphs: evaluates every op with a gradient in float64, straight from its definition. */

import type { Node, Value } from "../../src/graph/index.ts";
import { isInput, isWeight, sourceName, topologicalOrder } from "../../src/graph/index.ts";

export interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
const make = (shape: readonly number[], at: (i: number) => number): Array64 => ({
  shape,
  data: Float64Array.from({ length: size(shape) }, (_, i) => at(i)),
});

/** Flat index → coordinates. */
function coordinates(shape: readonly number[], flat: number): number[] {
  const at = new Array<number>(shape.length);
  for (let d = shape.length - 1, rest = flat; d >= 0; d--) {
    at[d] = rest % shape[d]!;
    rest = Math.floor(rest / shape[d]!);
  }
  return at;
}
const flatIndex = (shape: readonly number[], at: readonly number[]): number =>
  at.reduce((flat, x, d) => flat * shape[d]! + x, 0);

/** Element of `x` that broadcasting puts at coordinates `at` of a larger shape. */
const broadcastAt = (x: Array64, at: readonly number[]): number =>
  x.data[
    flatIndex(
      x.shape,
      x.shape.map((d, i) => (d === 1 ? 0 : at[at.length - x.shape.length + i]!)),
    )
  ]!;

const broadcastShape = (shapes: readonly (readonly number[])[]): number[] => {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => Math.max(...shapes.map((s) => s[s.length - rank + i] ?? 1)));
};

function elementwise(xs: readonly Array64[], f: (...values: number[]) => number): Array64 {
  const shape = broadcastShape(xs.map((x) => x.shape));
  return make(shape, (i) => {
    const at = coordinates(shape, i);
    return f(...xs.map((x) => broadcastAt(x, at)));
  });
}

/** Maclaurin series; exact to about 1e-13 for |x| < 2.5, which is all that the tests use. */
export function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** Applies `f` to each row of the last axis. */
function perRow(x: Array64, f: (row: Float64Array, index: number) => ArrayLike<number>): Array64 {
  const width = x.shape.at(-1)!;
  const data = new Float64Array(x.data.length);
  for (let at = 0; at < data.length; at += width) data.set(f(x.data.subarray(at, at + width), at / width), at);
  return { shape: x.shape, data };
}

const logSumExp = (row: Float64Array): number => {
  const top = Math.max(...row);
  return top + Math.log(row.reduce((s, v) => s + Math.exp(v - top), 0));
};
const mean = (row: ArrayLike<number>): number => Array.from(row).reduce((a, b) => a + b, 0) / row.length;

function reduce(x: Array64, axes: readonly number[], keep: boolean, f: (values: number[]) => number): Array64 {
  const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
  const groups = Array.from({ length: size(kept) }, () => [] as number[]);
  x.data.forEach((v, i) => {
    const at = coordinates(x.shape, i).map((c, d) => (axes.includes(d) ? 0 : c));
    groups[flatIndex(kept, at)]!.push(v);
  });
  return make(keep ? kept : kept.filter((_, i) => !axes.includes(i)), (i) => f(groups[i]!));
}

function matmul(a: Array64, b: Array64, transA: boolean, transB: boolean): Array64 {
  const [ra, ca] = a.shape.slice(-2) as [number, number];
  const [rb, cb] = b.shape.slice(-2) as [number, number];
  const [m, k, n] = [transA ? ca : ra, transA ? ra : ca, transB ? rb : cb];
  const shape = [...broadcastShape([a.shape.slice(0, -2), b.shape.slice(0, -2)]), m, n];
  return make(shape, (flat) => {
    const at = coordinates(shape, flat);
    const [lead, i, j] = [at.slice(0, -2), at.at(-2)!, at.at(-1)!];
    let sum = 0;
    for (let l = 0; l < k; l++)
      sum +=
        broadcastAt(a, [...lead, ...(transA ? [l, i] : [i, l])]) *
        broadcastAt(b, [...lead, ...(transB ? [j, l] : [l, j])]);
    return sum;
  });
}

const C = Math.sqrt(2 / Math.PI);
type Rule = (xs: Array64[], node: Node) => Array64 | Array64[];
const attrs = <T>(node: Node): T => node.attrs as unknown as T;
const shapeOf = (node: Node, output = 0): number[] => node.outputs[output]!.shape as number[];
const unary =
  (f: (x: number) => number): Rule =>
  ([x]) =>
    elementwise([x!], f);

const RULES: Readonly<Record<string, Rule>> = {
  Add: (xs) => elementwise(xs, (a, b) => a + b),
  Sub: (xs) => elementwise(xs, (a, b) => a - b),
  Mul: (xs) => elementwise(xs, (a, b) => a * b),
  Div: (xs) => elementwise(xs, (a, b) => a / b),
  Min: (xs) => elementwise(xs, Math.min),
  Max: (xs) => elementwise(xs, Math.max),
  Equal: (xs) => elementwise(xs, (a, b) => +(a === b)),
  Less: (xs) => elementwise(xs, (a, b) => +(a < b)),
  Greater: (xs) => elementwise(xs, (a, b) => +(a > b)),
  Where: (xs) => elementwise(xs, (c, a, b) => (c ? a : b)),
  Neg: unary((x) => -x),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Tanh: unary(Math.tanh),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Erf: unary(erf),
  Not: unary((x) => +!x),
  Cast: unary((x) => x),
  StopGradient: unary((x) => x),
  Clip: ([x], node) => {
    const { low, high } = attrs<{ low: number; high: number }>(node);
    return elementwise([x!], (v) => Math.min(high, Math.max(low, v)));
  },
  Gelu: unary((x) => 0.5 * x * (1 + erf(x / Math.SQRT2))),
  GeluTanh: unary((x) => 0.5 * x * (1 + Math.tanh(C * (x + 0.044715 * x ** 3)))),
  Silu: unary((x) => x / (1 + Math.exp(-x))),
  MatMul: ([a, b], node) => {
    const { transA, transB } = attrs<{ transA: boolean; transB: boolean }>(node);
    return matmul(a!, b!, transA, transB);
  },
  Linear: ([x, w, bias]) => {
    const y = matmul(x!, w!, false, true);
    return bias ? elementwise([y, bias], (a, b) => a + b) : y;
  },
  Reshape: ([x], node) => ({ shape: shapeOf(node), data: x!.data }),
  Transpose: ([x], node) => {
    const { perm } = attrs<{ perm: number[] }>(node);
    const shape = shapeOf(node);
    return make(shape, (i) => {
      const from = new Array<number>(perm.length);
      coordinates(shape, i).forEach((c, d) => {
        from[perm[d]!] = c;
      });
      return x!.data[flatIndex(x!.shape, from)]!;
    });
  },
  Slice: ([x], node) => {
    const { axis, start } = attrs<{ axis: number; start: number }>(node);
    const shape = shapeOf(node);
    return make(
      shape,
      (i) =>
        x!.data[
          flatIndex(
            x!.shape,
            coordinates(shape, i).map((c, d) => (d === axis ? c + start : c)),
          )
        ]!,
    );
  },
  Pad: ([x], node) => {
    const { axis, before } = attrs<{ axis: number; before: number }>(node);
    const shape = shapeOf(node);
    return make(shape, (i) => {
      const at = coordinates(shape, i).map((c, d) => (d === axis ? c - before : c));
      return at[axis]! < 0 || at[axis]! >= x!.shape[axis]! ? 0 : x!.data[flatIndex(x!.shape, at)]!;
    });
  },
  Concat: (xs, node) => {
    const { axis } = attrs<{ axis: number }>(node);
    const shape = shapeOf(node);
    return make(shape, (i) => {
      const at = coordinates(shape, i);
      for (const x of xs) {
        if (at[axis]! < x.shape[axis]!) return x.data[flatIndex(x.shape, at)]!;
        at[axis]! -= x.shape[axis]!;
      }
      throw new Error("outside");
    });
  },
  Expand: ([x], node) => make(shapeOf(node), (i) => broadcastAt(x!, coordinates(shapeOf(node), i))),
  ReduceSum: ([x], node) => reduceBy(x!, node, (v) => v.reduce((a, b) => a + b, 0)),
  ReduceMean: ([x], node) => reduceBy(x!, node, mean),
  ReduceMax: ([x], node) => reduceBy(x!, node, (v) => Math.max(...v)),
  Softmax: ([x]) => perRow(x!, (row) => row.map((v) => Math.exp(v - logSumExp(row)))),
  LogSoftmax: ([x]) => perRow(x!, (row) => row.map((v) => v - logSumExp(row))),
  ArgMax: ([x], node) => {
    const width = x!.shape.at(-1)!;
    return make(shapeOf(node), (i) => {
      const row = Array.from(x!.data.subarray(i * width, (i + 1) * width));
      return row.indexOf(Math.max(...row));
    });
  },
  LayerNorm: ([x, w, b], node) => {
    const { epsilon } = attrs<{ epsilon: number }>(node);
    const rows = x!.data.length / x!.shape.at(-1)!;
    const [means, inverse] = [new Float64Array(rows), new Float64Array(rows)];
    const y = perRow(x!, (row, i) => {
      means[i] = mean(row);
      inverse[i] = 1 / Math.sqrt(mean(row.map((v) => (v - means[i]!) ** 2)) + epsilon);
      return row.map((v, j) => (v - means[i]!) * inverse[i]! * w!.data[j]! + b!.data[j]!);
    });
    return [y, { shape: shapeOf(node, 1), data: means }, { shape: shapeOf(node, 2), data: inverse }];
  },
  RmsNorm: ([x, w], node) => {
    const { epsilon } = attrs<{ epsilon: number }>(node);
    const inverse = new Float64Array(x!.data.length / x!.shape.at(-1)!);
    const y = perRow(x!, (row, i) => {
      inverse[i] = 1 / Math.sqrt(mean(row.map((v) => v * v)) + epsilon);
      return row.map((v, j) => v * inverse[i]! * w!.data[j]!);
    });
    return [y, { shape: shapeOf(node, 1), data: inverse }];
  },
  RotaryEmbedding: ([x, positions, cos, sin], node) => {
    const { heads } = attrs<{ heads: number }>(node);
    const half = x!.shape[2]! / heads / 2;
    return make(x!.shape, (i) => {
      const inHead = i % (2 * half);
      const angle = positions!.data[Math.floor(i / x!.shape[2]!)]! * half + (inHead % half);
      const other = inHead < half ? -x!.data[i + half]! : x!.data[i - half]!;
      return x!.data[i]! * cos!.data[angle]! + other * sin!.data[angle]!;
    });
  },
  Gather: ([table, indices], node) => {
    const width = size(table!.shape.slice(1));
    return make(shapeOf(node), (i) => table!.data[indices!.data[Math.floor(i / width)]! * width + (i % width)]!);
  },
  ScatterAddRows: ([indices, updates], node) => {
    const shape = shapeOf(node);
    const data = new Float64Array(size(shape));
    updates!.data.forEach((v, i) => {
      data[indices!.data[Math.floor(i / shape[1]!)]! * shape[1]! + (i % shape[1]!)]! += v;
    });
    return { shape, data };
  },
  OneHot: ([indices], node) => {
    const { width } = attrs<{ width: number }>(node);
    return make(shapeOf(node), (i) => +(indices!.data[Math.floor(i / width)] === i % width));
  },
  LogProbOf: ([logits, targets], node) => {
    const width = logits!.shape[1]!;
    return make(shapeOf(node), (i) => {
      const row = logits!.data.subarray(i * width, (i + 1) * width);
      return row[targets!.data[i]!]! - logSumExp(row);
    });
  },
};

function reduceBy(x: Array64, node: Node, f: (values: number[]) => number): Array64 {
  const { axes, keepDims } = attrs<{ axes: number[]; keepDims: boolean }>(node);
  return reduce(x, axes, keepDims, f);
}

/** Ops that the interpreter knows. */
export const knownOps: readonly string[] = Object.keys(RULES);

/** Values of `outputs`, given the numbers of every input and weight by name. */
export function interpret(
  outputs: readonly Value[],
  given: Readonly<Record<string, ArrayLike<number>>>,
): Float64Array[] {
  const values = new Map<Value, Array64>();
  for (const node of topologicalOrder(outputs)) {
    const [first] = node.outputs;
    if (isInput(first!) || isWeight(first!))
      values.set(first!, { shape: first!.shape as number[], data: Float64Array.from(given[sourceName(first!)]!) });
    else if (node.op.name === "Constant")
      values.set(first!, {
        shape: shapeOf(node),
        data: Float64Array.from(node.attrs.data as ArrayLike<number>, Number),
      });
    else {
      const rule = RULES[node.op.name];
      if (!rule) throw new Error(`the interpreter does not know ${node.op.name}`);
      const result = rule(node.inputs.map((v) => (v ? values.get(v)! : undefined)) as Array64[], node);
      [result].flat().forEach((r, i) => {
        values.set(node.outputs[i]!, r);
      });
    }
  }
  return outputs.map((v) => values.get(v)!.data);
}
