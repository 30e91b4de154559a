/** @file BlockwiseMatMul as an op of ONNX Runtime: same numbers as the kernel alone, clear errors. */
import { describe, expect, test } from "vitest";
import { blockwiseCall, runOp } from "./support/graph.ts";
import { levelsHere, libraryPath, multiply } from "./support/library.ts";
import { product, randomRows, randomWeights } from "./support/reference.ts";

describe.skipIf(!libraryPath)("BlockwiseMatMul in ONNX Runtime", () => {
  const best = libraryPath ? levelsHere()[0]! : "portable";

  test.each([
    { n: 200, k: 512, bits: 4, block: 128, half: true },
    { n: 75, k: 300, bits: 8, block: 32, half: false },
  ] as const)("computes what the kernel computes at $bits bits on one and two threads", async (shape) => {
    const w = randomWeights(1, shape);
    for (const m of [1, 6, 50]) {
      const p = product(w, randomRows(m, m, shape.k), randomRows(3, 1, shape.n));
      const { attrs, feeds } = blockwiseCall(p);
      const wanted = multiply(best, 1, p);
      for (const threads of [1, 2]) {
        expect(await runOp("BlockwiseMatMul", attrs, feeds, [m, shape.n], threads)).toEqual(wanted);
      }
    }
  });

  test("keeps the leading dimensions, may lack the bias and takes no rows at all", async () => {
    const w = randomWeights(2, { n: 20, k: 64, bits: 4, block: 32, half: true });
    const p = product(w, randomRows(3, 6, 64));
    const { attrs, feeds } = blockwiseCall(p, [2, 3]);
    expect(await runOp("BlockwiseMatMul", attrs, feeds, [2, 3, 20])).toEqual(multiply(best, 1, p));
    const none = blockwiseCall({ ...p, x: new Float32Array(0) }, [2, 0]);
    expect(await runOp("BlockwiseMatMul", none.attrs, none.feeds, [2, 0, 20])).toHaveLength(0);
  });

  test("weights, scales, bias, attributes and rows that do not fit are refused with the reason", async () => {
    const w = randomWeights(4, { n: 20, k: 64, bits: 4, block: 32, half: true });
    const p = product(w, randomRows(5, 2, 64), randomRows(6, 1, 20));
    const run = (changed: Partial<typeof p>, attributes: object = {}) => {
      const { attrs, feeds } = blockwiseCall({ ...p, ...changed });
      return runOp("BlockwiseMatMul", { ...attrs, ...attributes }, feeds, [2, 20]);
    };
    await expect(run({ values: p.values.subarray(64) })).rejects.toThrow(/W must hold/);
    await expect(run({ scales: p.scales.subarray(16) })).rejects.toThrow(/scales must hold/);
    await expect(run({}, { bits: 5 })).rejects.toThrow(/bits must be 4 or 8/);
    await expect(run({}, { block_size: 48 })).rejects.toThrow(/block_size must be a multiple of 32/);
    await expect(run({}, { K: 65 })).rejects.toThrow(/last dimension of X is not K/);
    const bytes = blockwiseCall(p);
    bytes.feeds.scales = { dtype: "uint8", dims: [64], data: p.values.subarray(0, 64) };
    await expect(runOp("BlockwiseMatMul", bytes.attrs, bytes.feeds, [2, 20])).rejects.toThrow(/scales must be fp32 or/);
    const short = blockwiseCall({ ...p, bias: p.bias!.subarray(1) });
    short.feeds.bias!.dims = [19];
    await expect(runOp("BlockwiseMatMul", short.attrs, short.feeds, [2, 20])).rejects.toThrow(/bias must hold N/);
  });

  test("tells ONNX Runtime the shape of its result, so a graph that declares another does not load", async () => {
    const p = product(randomWeights(7, { n: 20, k: 64, bits: 4, block: 32, half: true }), randomRows(8, 2, 64));
    const { attrs, feeds } = blockwiseCall(p);
    await expect(runOp("BlockwiseMatMul", attrs, feeds, [2, 21])).rejects.toThrow(/20/);
  });
});
