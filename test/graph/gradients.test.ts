/** @file Every gradient rule against finite differences in float64, and what the runtime computes against both. */

import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pointingLoss } from "../../recipes/tiny/lessons/pointing.ts";
import { wordsLoss } from "../../recipes/tiny/lessons/words.ts";
import { seeLoss } from "../../recipes/tiny/see/see-graph.ts";
import type { Value } from "../../src/graph/index.ts";
import * as g from "../../src/graph/index.ts";
import { type ModelConfig, parseConfig } from "../../src/model/index.ts";
import { lowerAttention, recompute } from "../../src/passes/index.ts";
import { grpoGraph } from "../../src/train/grpo-graph.ts";
import { type AuxiliaryLoss, sftGraph } from "../../src/train/index.ts";
import { segmentOf } from "../../src/train/step-session.ts";
import { evaluate } from "../train/evaluate.ts";
import { interpret } from "./interpreter.ts";

const CONFIG = new URL("../golden/static-tiny/config.json", import.meta.url);

type Shape = number[];
interface Given {
  readonly shape: Shape;
  readonly data: number[];
  readonly dtype?: "float32" | "int64" | "bool";
}
/** A use of an op: the inputs' numbers, and the op built over them. Only float inputs are differentiated. */
interface Case {
  readonly inputs: readonly Given[];
  build(values: Value[]): Value;
}

const count = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);
const STEP = 1e-5;
/** Central differences in float64 with this step are good to about 1e-9. */
const TOLERANCE = 1e-6;
/** Float32 sums of a few dozen products. */
const RUNTIME_TOLERANCE = 2e-4;
/** Session after session is slow: the runtime has its say on the first few of each op's cases. */
const IN_RUNTIME = 3;
const RUNS = 25;

/** Fixed, irregular weights, so that errors in different outputs do not cancel. */
const weightOf = (i: number): number => Math.sin(1 + 2.3 * i);

function assemble({ inputs, build }: Case) {
  const values = inputs.map(({ shape, dtype = "float32" }, i) => g.input(`x${i}`, dtype, shape));
  const y = build(values);
  const n = count(y.shape as Shape);
  const weights = g.constant(
    Float32Array.from({ length: n }, (_, i) => weightOf(i)),
    "float32",
    [n],
  );
  const loss = g.reduceSum(g.mul(g.reshape(y, [n]), weights), [0]);
  const wanted = values.filter((v) => v.dtype === "float32");
  const given = Object.fromEntries(inputs.map(({ data }, i) => [`x${i}`, data]));
  return { loss, y, wanted, grads: g.gradients(loss, wanted), given };
}

const largest = (xs: ArrayLike<number>): number => Array.from(xs).reduce((m, x) => Math.max(m, Math.abs(x)), 1);

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  const scale = largest(expected);
  for (let i = 0; i < expected.length; i++)
    if (!(Math.abs(found[i]! - expected[i]!) <= tolerance * scale))
      throw new Error(`${what}[${i}] is ${found[i]}, expected ${expected[i]}`);
}

async function checkCase(c: Case, inRuntime: boolean): Promise<void> {
  const { loss, y, wanted, grads, given } = assemble(c);
  const known = wanted.flatMap((v, i) => (grads[i] ? [{ v, grad: grads[i] }] : []));
  const computed = interpret([y, loss, ...known.map((k) => k.grad)], given);
  wanted.forEach((v) => {
    const name = g.sourceName(v);
    const at = known.findIndex((k) => k.v === v);
    const found = at < 0 ? new Float64Array(given[name]!.length) : computed[at + 2]!;
    const differences = given[name]!.map((x, i) => {
      const moved = (by: number) => interpret([loss], { ...given, [name]: given[name]!.with(i, x + by) })[0]![0]!;
      return (moved(STEP) - moved(-STEP)) / (2 * STEP);
    });
    expectClose(found, differences, TOLERANCE, `d loss/d ${name}`);
  });
  if (!inRuntime) return;
  const outputs = { y, ...Object.fromEntries(known.map((k, i) => [`g${i}`, k.grad])) };
  const run = await evaluate(outputs, given);
  expectClose(run.y!, computed[0]!, RUNTIME_TOLERANCE, "the runtime's y");
  known.forEach((k, i) => {
    expectClose(run[`g${i}`]!, computed[i + 2]!, RUNTIME_TOLERANCE, `the runtime's d loss/d ${g.sourceName(k.v)}`);
  });
}

// ---- random shapes and numbers

const dim = fc.integer({ min: 1, max: 4 });
const shapeOfRank = (min: number, max: number) => fc.array(dim, { minLength: min, maxLength: max });
const number = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true }).map((x) => Math.fround(+x.toFixed(3)));
const filled = (shape: Shape, min = -2, max = 2): fc.Arbitrary<Given> =>
  fc.array(number(min, max), { minLength: count(shape), maxLength: count(shape) }).map((data) => ({ shape, data }));
const indices = (shape: Shape, below: number): fc.Arbitrary<Given> =>
  fc
    .array(fc.integer({ min: 0, max: below - 1 }), { minLength: count(shape), maxLength: count(shape) })
    .map((data) => ({ shape, data, dtype: "int64" as const }));
const booleans = (shape: Shape): fc.Arbitrary<Given> =>
  fc
    .array(fc.integer({ min: 0, max: 1 }), { minLength: count(shape), maxLength: count(shape) })
    .map((data) => ({ shape, data, dtype: "bool" as const }));

/** A shape and another that broadcasts against it: leading axes left out, some axes 1. */
const broadcastPair = shapeOfRank(0, 3).chain((shape) =>
  fc
    .tuple(
      fc.integer({ min: 0, max: shape.length }),
      fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      fc.boolean(),
    )
    .map(([skip, ones, swap]): [Shape, Shape] => {
      const small = shape.slice(skip).map((d, i) => (ones[i] ? 1 : d));
      return swap ? [small, shape] : [shape, small];
    }),
);
/** Numbers at least `gap` apart from those of the other side, so that no finite difference crosses a kink. */
const apart = (a: Given, b: Given): [Given, Given] => [
  { ...a, data: a.data.map((x) => Math.round(x * 10) / 10) },
  { ...b, data: b.data.map((x) => Math.round(x * 10) / 10 + 0.05) },
];

const unary = (build: (x: Value) => Value, min = -2, max = 2): fc.Arbitrary<Case> =>
  shapeOfRank(0, 3).chain((shape) => filled(shape, min, max).map((x) => ({ inputs: [x], build: ([v]) => build(v!) })));
const binary = (build: (a: Value, b: Value) => Value, min = -2, max = 2, kinks = false): fc.Arbitrary<Case> =>
  broadcastPair.chain(([s, t]) =>
    fc.tuple(filled(s, min, max), filled(t, min, max)).map(([a, b]) => ({
      inputs: kinks ? apart(a, b) : [a, b],
      build: ([x, y]) => build(x!, y!),
    })),
  );
const withAxes = (build: (x: Value, axes: number[], keep: boolean) => Value, distinct = false): fc.Arbitrary<Case> =>
  shapeOfRank(1, 3).chain((shape) =>
    fc
      .tuple(filled(shape), fc.subarray([...shape.keys()], { minLength: 1 }), fc.boolean(), fc.boolean())
      .map(([x, axes, keep, negative]) => ({
        // Multiples of an irrational number are never equal, so a maximum is never tied.
        inputs: [distinct ? { shape, data: x.data.map((_, i) => Math.fround(((i * Math.SQRT2 * 7) % 3) - 1)) } : x],
        build: ([v]) => build(v!, negative ? axes.map((a) => a - shape.length) : axes, keep),
      })),
  );

const matrices = fc
  .tuple(shapeOfRank(0, 2), dim, dim, dim, fc.boolean(), fc.boolean(), fc.integer({ min: 0, max: 3 }))
  .chain(([batch, m, k, n, transA, transB, lead]) => {
    // Batch axes of one side are left out or 1.
    const other = lead === 0 ? batch : lead === 1 ? [] : batch.map(() => 1);
    const [ba, bb] = lead === 3 ? [other, batch] : [batch, other];
    const a = [...ba, ...(transA ? [k, m] : [m, k])];
    const b = [...bb, ...(transB ? [n, k] : [k, n])];
    return fc
      .tuple(filled(a), filled(b))
      .map(([x, y]): Case => ({ inputs: [x, y], build: ([u, v]) => g.matmul(u!, v!, transA, transB) }));
  });

const linears = fc
  .tuple(shapeOfRank(2, 3), dim, fc.boolean())
  .chain(([shape, out, bias]) =>
    fc
      .tuple(filled(shape), filled([out, shape.at(-1)!]), filled([out]))
      .map(([x, w, b]): Case => ({ inputs: bias ? [x, w, b] : [x, w], build: ([u, v, c]) => g.linear(u!, v!, c) })),
  );

const norms = (withBias: boolean) =>
  fc.tuple(shapeOfRank(1, 3), fc.integer({ min: 2, max: 5 })).chain(([lead, width]) =>
    fc.tuple(filled([...lead, width], -2, 2), filled([width]), filled([width])).map(([x, w, b]): Case => {
      // A row of equal numbers has almost no variance, and finite differences no digits.
      const spread = { ...x, data: x.data.map((v, i) => v + (i % width)) };
      return withBias
        ? { inputs: [spread, w, b], build: ([u, v, c]) => g.layerNorm(u!, v!, c!, 1e-6) }
        : { inputs: [spread, w], build: ([u, v]) => g.rmsNorm(u!, v!, 1e-6) };
    }),
  );

const rotary = fc.tuple(dim, dim, dim, fc.integer({ min: 1, max: 3 })).chain(([batch, seq, heads, half]) =>
  fc
    .tuple(filled([batch, seq, heads * half * 2]), indices([batch, seq], 6), filled([6, half], 0, 3))
    .map(([x, positions, angles]): Case => {
      const table = (f: (a: number) => number) => g.constant(Float32Array.from(angles.data, f), "float32", [6, half]);
      return {
        inputs: [x, positions],
        build: ([u, p]) => g.rotaryEmbedding(u!, p!, table(Math.cos), table(Math.sin), heads),
      };
    }),
);

const cases: Record<string, fc.Arbitrary<Case>> = {
  add: binary(g.add),
  sub: binary(g.sub),
  mul: binary(g.mul),
  div: binary(g.div, 0.5, 2),
  "x·x with itself": unary((x) => g.mul(x, x)),
  minimum: binary(g.minimum, -2, 2, true),
  maximum: binary(g.maximum, -2, 2, true),
  neg: unary(g.neg),
  exp: unary(g.exp),
  log: unary(g.log, 0.5, 3),
  sqrt: unary(g.sqrt, 0.5, 3),
  tanh: unary(g.tanh),
  sigmoid: unary(g.sigmoid),
  erf: unary(g.erf),
  gelu: unary(g.gelu),
  geluTanh: shapeOfRank(1, 3).chain((s) => filled(s).map((x) => ({ inputs: [x], build: ([v]) => g.geluTanh(v!) }))),
  silu: unary(g.silu),
  // Eighths are exact in float16, and a gradient of at most 1/4 is rounded by less than the tolerance.
  "cast to float16 and back": shapeOfRank(0, 3).chain((shape) =>
    filled(shape).map((x) => ({
      inputs: [{ shape, data: x.data.map((v) => Math.round(v * 8) / 8) }],
      build: ([v]) => g.mul(g.cast(g.cast(v!, "float16"), "float32"), g.scalar(0.25)),
    })),
  ),
  "clip away from its bounds": unary((x) => g.clip(x, -1.00005, 1.00005)),
  where: broadcastPair.chain(([s, t]) =>
    fc.tuple(booleans(s), filled(t), filled(s)).map(([c, a, b]) => ({
      inputs: [c, a, b],
      build: ([x, y, z]) => g.where(x!, y!, z!),
    })),
  ),
  matmul: matrices,
  linear: linears,
  reshape: unary((x) => g.reshape(x, [count(x.shape as Shape), 1])),
  transpose: shapeOfRank(1, 4).chain((shape) =>
    fc
      .tuple(filled(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }))
      .map(([x, perm]) => ({ inputs: [x], build: ([v]) => g.transpose(v!, perm) })),
  ),
  slice: shapeOfRank(1, 3).chain((shape) =>
    fc.tuple(filled(shape), fc.nat(shape.length - 1), fc.nat(3), fc.nat(3)).map(([x, axis, a, b]) => {
      const start = a % shape[axis]!;
      const end = start + 1 + (b % (shape[axis]! - start));
      return { inputs: [x], build: ([v]) => g.slice(v!, axis, start, end) };
    }),
  ),
  pad: shapeOfRank(1, 3).chain((shape) =>
    fc
      .tuple(filled(shape), fc.nat(shape.length - 1), fc.nat(2), fc.nat(2))
      .map(([x, axis, before, after]) => ({ inputs: [x], build: ([v]) => g.pad(v!, axis, before, after) })),
  ),
  concat: fc.tuple(shapeOfRank(1, 3), dim, fc.nat(2)).chain(([shape, more, pick]) => {
    const axis = pick % shape.length;
    const parts = fc.tuple(filled(shape), filled(shape.with(axis, more)), filled(shape));
    return parts.map((xs) => ({ inputs: xs, build: (vs) => g.concat([...vs, vs[0]!], axis) }));
  }),
  expandLike: broadcastPair.chain(([s, t]) => {
    const [small, large] = s.length <= t.length && count(s) <= count(t) ? [s, t] : [t, s];
    return filled(small).map((x) => ({
      inputs: [x],
      build: ([v]) => g.expandLike(v!, g.constant(new Float32Array(count(large)), "float32", large)),
    }));
  }),
  reduceSum: withAxes(g.reduceSum),
  reduceMean: withAxes(g.reduceMean),
  "reduceMax without ties": withAxes(g.reduceMax, true),
  softmax: shapeOfRank(1, 3).chain((s) =>
    filled(s, -4, 4).map((x) => ({ inputs: [x], build: ([v]) => g.softmax(v!) })),
  ),
  logSoftmax: shapeOfRank(1, 3).chain((s) =>
    filled(s, -4, 4).map((x) => ({ inputs: [x], build: ([v]) => g.logSoftmax(v!) })),
  ),
  logProbOf: fc.tuple(dim, dim).chain(([rows, classes]) =>
    fc.tuple(filled([rows, classes], -4, 4), indices([rows], classes)).map(([x, targets]) => ({
      inputs: [x, targets],
      build: ([v, t]) => g.logProbOf(v!, t!),
    })),
  ),
  "gather with repeated rows": fc.tuple(shapeOfRank(1, 2), dim, dim).chain(([shape, rows, width]) =>
    fc.tuple(filled([rows, width]), indices(shape, rows)).map(([table, at]) => ({
      inputs: [table, at],
      build: ([v, i]) => g.gather(v!, i!),
    })),
  ),
  "scatterAddRows with repeated rows": fc.tuple(dim, dim, dim).chain(([n, rows, width]) =>
    fc.tuple(indices([n], rows), filled([n, width])).map(([at, updates]) => ({
      inputs: [at, updates],
      build: ([i, v]) => g.scatterAddRows(i!, v!, [rows, width]),
    })),
  ),
  layerNorm: norms(true),
  rmsNorm: norms(false),
  rotaryEmbedding: rotary,
};

describe("gradients equal finite differences, and the runtime's numbers both", () => {
  test.each(Object.entries(cases))("%s", async (_, arbitrary) => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(arbitrary, (c) => checkCase(c, runs++ < IN_RUNTIME)),
      { numRuns: RUNS, seed: 20260, endOnFailure: true },
    );
  });
});

/** Names of the ops with a gradient rule that `outputs` reach. */
const rulesIn = (outputs: readonly Value[]): string[] =>
  g.topologicalOrder(outputs).flatMap(({ op }) => (op.gradient ? [op.name] : []));

const SMALL = { images: 1, rows: 1, length: 32, labels: 8, headChunk: 4 };
const POLICY = {
  kind: "clip",
  epsilonLow: 0.2,
  epsilonHigh: 0.2,
  delta: 2,
  level: "sequence",
  beta: 0.1,
  kl: "k3-unbiased",
  temperature: 0.9,
  onPolicy: false,
  sequences: 2,
} as const;

/** The small model's auxiliary losses. */
const lessons = (config: ModelConfig): AuxiliaryLoss[] => [
  { name: "see", term: ({ patches }) => seeLoss(config, patches, 5).loss, fill() {} },
  {
    name: "words",
    term: ({ parameters, pictureTokens }) => wordsLoss(parameters, config, pictureTokens),
    fill() {},
  },
  { name: "pointing", term: ({ layers }) => pointingLoss(config.decoder, SMALL, layers[1]!, 0), fill() {} },
];

test("every rule that training asks for is among the cases", async () => {
  const tested = new Set(
    Object.values(cases).flatMap((arbitrary) =>
      fc.sample(arbitrary, { numRuns: 3, seed: 1 }).flatMap((c) => rulesIn([assemble(c).y])),
    ),
  );
  const config = parseConfig(JSON.parse(await readFile(CONFIG, "utf8")));
  const losses = [
    sftGraph(config, SMALL, lessons(config)).loss!,
    grpoGraph(config, SMALL, POLICY).loss!,
    grpoGraph(config, SMALL, { ...POLICY, kind: "sapo", level: "token" }).loss!,
  ];
  const asked = new Set(rulesIn(losses));
  expect([...asked].filter((name) => !tested.has(name))).toEqual([]);
  expect(asked.size).toBeGreaterThan(15);
});

test("no array of tokens by vocabulary exists, forward or backward: only a chunk of labelled rows meets the head", async () => {
  const config = parseConfig(JSON.parse(await readFile(CONFIG, "utf8")));
  const { vocabSize } = config.decoder;
  for (const { loss, outputs } of [sftGraph(config, SMALL), grpoGraph(config, SMALL, POLICY)]) {
    const formed = Object.values(lowerAttention({ loss: loss!, ...outputs }));
    const grads = g.gradients(formed[0]!, g.weightsOf(formed)).filter((v) => v !== undefined);
    const shapes = g
      .topologicalOrder([...formed, ...grads])
      .flatMap((node) => node.outputs.map((v) => v.shape as Shape));
    // The head and the embedding table, with their gradients, are [vocabulary, hidden] and may be; they hold no tokens.
    const rows = shapes.filter((s) => s.at(-1) === vocabSize).map((s) => count(s.slice(0, -1)));
    expect(rows.length).toBeGreaterThan(0);
    expect(Math.max(...rows)).toBe(SMALL.headChunk);
    const largest = Math.max(...shapes.filter((s) => s.includes(vocabSize)).map(count));
    expect(largest).toBe(vocabSize * config.decoder.hiddenSize);
  }
});

test("recomputation makes the forward of every decoder layer a second time, by the scopes that the model gives", async () => {
  const config = parseConfig(JSON.parse(await readFile(CONFIG, "utf8")));
  const { loss } = lowerAttention({ loss: sftGraph(config, SMALL).loss! });
  const grads = g.gradients(loss, g.weightsOf([loss])).filter((v) => v !== undefined);
  const plain = [loss, ...grads];
  const counts = (outputs: readonly Value[], scope: string) => {
    const own = g.topologicalOrder(outputs).filter((node) => node.scope === scope);
    return ["RmsNorm", "Linear", "Softmax", "Silu"].map((op) => own.filter((node) => node.op.name === op).length);
  };
  const again = Object.values(recompute(Object.fromEntries(plain.entries()), segmentOf));
  for (let i = 0; i < config.decoder.layers; i++) {
    const scope = `decoder/layers.${i}`;
    expect(counts(plain, scope)).toEqual([2, 7, 1, 1]);
    expect(counts(plain, `backward/${scope}`)).toEqual([0, 0, 0, 0]);
    // The last product is what the next layer begins with; nothing inside the layer asks for it again.
    expect(counts(again, scope)).toEqual([2, 7, 1, 1]);
    expect(counts(again, `backward/${scope}`)).toEqual([2, 6, 1, 1]);
  }
});

/** Gradient of one op at given numbers, by the runtime. */
async function gradientAt(build: (...values: Value[]) => Value, ...data: number[][]): Promise<number[][]> {
  const values = data.map((d, i) => g.input(`x${i}`, "float32", [d.length]));
  const grads = g.gradients(g.reduceSum(build(...values), [0]), values);
  const found = await evaluate(
    Object.fromEntries(grads.map((grad, i) => [`g${i}`, grad!])),
    Object.fromEntries(data.map((d, i) => [`x${i}`, d])),
  );
  return data.map((_, i) => found[`g${i}`]!);
}

describe("corner cases follow torch", () => {
  test("a tie of minimum or maximum goes half to each side", async () => {
    expect(await gradientAt(g.minimum, [1, 2, 3], [1, 3, 2])).toEqual([
      [0.5, 1, 0],
      [0.5, 0, 1],
    ]);
    expect(await gradientAt(g.maximum, [1, 2, 3], [1, 3, 2])).toEqual([
      [0.5, 0, 1],
      [0.5, 1, 0],
    ]);
  });

  test("clip passes the gradient at its bounds and stops it outside", async () => {
    expect(await gradientAt((x) => g.clip(x, -1, 1), [-1.5, -1, 0, 1, 1.5])).toEqual([[0, 1, 1, 1, 0]]);
  });

  test("a tie of reduceMax is shared evenly", async () => {
    const found = await gradientAt((x) => g.reduceMax(g.reshape(x, [2, 3]), [1]), [5, 5, 5, 1, 4, 4]);
    expect(found[0]!.map((x) => +x.toFixed(6))).toEqual([0.333333, 0.333333, 0.333333, 0, 0.5, 0.5]);
  });

  test("stopGradient is a constant", async () => {
    expect(await gradientAt((x) => g.mul(x, g.stopGradient(x)), [2, 3])).toEqual([[2, 3]]);
  });

  test("softmax and log-probabilities of extreme logits stay finite", async () => {
    const logits = g.input("x", "float32", [3, 4]);
    const targets = g.constant(BigInt64Array.of(0n, 1n, 3n), "int64", [3]);
    const logProbs = g.logProbOf(logits, targets);
    const soft = g.softmax(logits);
    const weights = g.constant(
      Float32Array.from({ length: 12 }, (_, i) => i),
      "float32",
      [3, 4],
    );
    const loss = g.add(g.reduceSum(logProbs, [0]), g.reduceSum(g.mul(soft, weights), [0, 1]));
    const [grad] = g.gradients(loss, [logits]);
    const x = [1e4, -1e4, 0, 0, 1000, 0, -1000, 3e38, -1e9, -1e9, -1e9, -1e9];
    const found = await evaluate({ logProbs, soft, grad: grad! }, { x });
    const [wantedLogProbs, wantedSoft, wantedGrad] = interpret([logProbs, soft, grad!], { x });
    expectClose(found.logProbs!, wantedLogProbs!, 1e-5, "log p");
    expectClose(found.soft!, wantedSoft!, 1e-6, "softmax");
    expectClose(found.grad!, wantedGrad!, 1e-5, "gradient");
    expect(found.grad!.every(Number.isFinite)).toBe(true);
  });
});
