/** @file Muon: orthogonal directions, updates of AdamW's size, and the split between the two optimisers; what both are spared. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/common/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";
import { ParameterStore } from "../../src/train/index.ts";
import { isHiddenMatrix, muonDirection, muonUpdate } from "../../src/train/optim/muon.ts";
import { createNewtonSchulz, type NewtonSchulz } from "../../src/train/optim/newton-schulz.ts";
import { Optimizer } from "../../src/train/optim/optimizer.ts";
import { scheduleFactor } from "../../src/train/optim/schedule.ts";
import { relativeError } from "./evaluate.ts";

const random = new Random(5);
const noise = (n: number): Float32Array => Float32Array.from({ length: n }, () => random.normal());
const shapes = [
  { name: "wide", shape: [6, 20] },
  { name: "other", shape: [6, 20] },
  { name: "tall", shape: [24, 8] },
  { name: "square", shape: [12, 12] },
] as const;

describe("Newton-Schulz", () => {
  let session: NewtonSchulz;
  const given = new Map<string, Float32Array>();
  beforeAll(async () => {
    session = await createNewtonSchulz(nativeRuntime(), shapes, 1);
    for (const { name, shape } of shapes) {
      const momentum = new Float32Array(shape[0] * shape[1]);
      const gradient = noise(momentum.length);
      muonDirection(gradient, momentum, 3, 0.9, session.input(name));
      given.set(name, gradient);
    }
    await session.run();
  });
  afterAll(() => session.dispose());

  for (const { name, shape } of shapes)
    it(`brings the singular values of a ${shape.join(" x ")} matrix near 1 and keeps its singular vectors (${name})`, () => {
      const [rows, columns] = shape;
      const [g, o] = [given.get(name)!, session.output(name)];
      // With G = U·S·Vᵀ and O = U·T·Vᵀ: GᵀO = V·S·T·Vᵀ is symmetric with trace Σ s·t, which lies between 0.65 and 1.25 times Σ s.
      const product = (a: Float32Array, b: Float32Array, i: number, j: number): number => {
        let sum = 0;
        for (let r = 0; r < rows; r++) sum += a[r * columns + i]! * b[r * columns + j]!;
        return sum;
      };
      for (let i = 0; i < columns; i++)
        for (let j = 0; j < i; j++) expect(product(g, o, i, j)).toBeCloseTo(product(g, o, j, i), 2);
      let energy = 0;
      for (const x of o) energy += x * x;
      const rank = Math.min(rows, columns);
      expect(energy / rank).toBeGreaterThan(0.5);
      expect(energy / rank).toBeLessThan(1.5);
    });
});

describe("Muon", () => {
  it("looks ahead as Nesterov does and scales the direction to norm 1", () => {
    const [momentum, direction] = [Float32Array.of(1, 0), new Float32Array(2)];
    muonDirection(Float32Array.of(0, 2), momentum, 0.5, 0.5, direction);
    // momentum = 0.5·(1, 0) + 0.5·(0, 1); direction = 0.5·(0, 1) + 0.5·momentum = (0.25, 0.75).
    expect([...momentum]).toEqual([0.5, 0.5]);
    expect(direction[0]).toBeCloseTo(0.25 / Math.hypot(0.25, 0.75), 6);
    expect(direction[1]).toBeCloseTo(0.75 / Math.hypot(0.25, 0.75), 6);
  });

  it("stands still where there is no gradient at all", () => {
    const direction = new Float32Array(2).fill(7);
    muonDirection(new Float32Array(2), new Float32Array(2), 1, 0.9, direction);
    expect([...direction]).toEqual([0, 0]);
  });

  it("decays weights and moves them by 0.2·√max(rows, columns)", () => {
    const weights = Float32Array.of(1, 1, 1, 1);
    muonUpdate(weights, Float32Array.of(1, 0, -1, 0), [1, 4], 0.5, 0.1);
    expect([...weights].map((w) => Number(w.toFixed(4)))).toEqual([0.75, 0.95, 1.15, 0.95]);
  });

  it("takes matrices inside the network and leaves embeddings, heads and vectors to AdamW", () => {
    const is = (name: string, shape: number[]) => isHiddenMatrix({ name, shape });
    expect(is("vit.encoder.layers.0.mlp.fc1.weight", [8, 4])).toBe(true);
    expect(is("llm.model.layers.0.self_attn.q_proj.weight", [8, 8])).toBe(true);
    expect(is("llm.model.embed_tokens.weight", [8, 4])).toBe(false);
    expect(is("vit.embeddings.position_embedding.weight", [8, 4])).toBe(false);
    expect(is("see.head.weight", [8, 4])).toBe(false);
    expect(is("vit.post_layernorm.weight", [8])).toBe(false);
  });

  it("is used by the optimiser for those alone, and keeps no second moments for them", async () => {
    const store = new ParameterStore([
      { name: "llm.model.layers.0.mlp.up_proj.weight", shape: [4, 4], part: "decoder", role: "matrix", required: true },
      { name: "llm.model.norm.weight", shape: [4], part: "decoder", role: "norm", required: true },
    ]);
    const names = store.parameters.map((p) => p.name);
    const schedule = { kind: "constant", warmupSteps: 0, totalSteps: 10 } as const;
    const options = {
      learningRate: 0.1,
      schedule,
      betas: [0.9, 0.99] as [number, number],
      epsilon: 1e-8,
      weightDecay: 0,
    };
    const optimizer = new Optimizer(store, names, {
      ...options,
      muon: { momentum: 0.9, rateFactor: 2 },
      runtime: nativeRuntime(),
      threads: 1,
    });
    const gradients = new Map(names.map((name) => [name, noise(store.get(name).length)]));
    await optimizer.update(gradients);
    await optimizer.dispose();
    expect(optimizer.moments.get(names[0]!)!.v).toHaveLength(0);
    const [matrix, vector] = names.map((name) => store.get(name));
    const rms = Math.sqrt(matrix!.reduce((sum, x) => sum + x * x, 0) / 16);
    // Orthogonal 4 x 4 with singular values of about 1: entries of root mean square 1/2; times 2·0.1·0.2·√4.
    expect(rms).toBeGreaterThan(0.028);
    expect(rms).toBeLessThan(0.05);
    for (const x of vector!) expect(Math.abs(x)).toBeCloseTo(0.1, 5);
  });
});

describe("AdamW in the optimiser of runs", () => {
  const { adamw: vector } = JSON.parse(
    readFileSync(new URL("../golden/grpo-vectors.json", import.meta.url), "utf8"),
  ) as {
    adamw: {
      [option in "lr" | "eps" | "weightDecay" | "maxGradNorm"]: number;
    } & { betas: [number, number]; init: number[]; grads: number[][]; steps: { gradNorm: number; params: number[] }[] };
  };
  const optimizerOf = (shapes: Record<string, number[]>, maxNorm?: number) => {
    const parameters = Object.entries(shapes).map(([name, shape]) => ({
      name: `llm.model.${name}`,
      shape,
      part: "decoder" as const,
      role: "matrix" as const,
      required: true,
    }));
    const store = new ParameterStore(parameters);
    const optimizer = new Optimizer(store, store.tensors.keys(), {
      learningRate: vector.lr,
      schedule: { kind: "constant", warmupSteps: 0, totalSteps: 10 },
      betas: vector.betas,
      epsilon: vector.eps,
      weightDecay: vector.weightDecay,
      maxNorm,
    });
    return { store, optimizer, of: (name: string) => store.get(`llm.model.${name}`) };
  };
  const gradientsOf = (values: Record<string, number[]>) =>
    new Map(Object.entries(values).map(([name, g]) => [`llm.model.${name}`, Float32Array.from(g)]));

  it("decays matrices alone: biases, even wide ones, and norms keep their values", async () => {
    const { store, optimizer, of } = optimizerOf({
      "fc.weight": [2, 2],
      "fc.bias": [2],
      "rows.bias": [1, 2],
      "norm.weight": [2],
    });
    for (const { data } of store.tensors.values()) data.fill(1);
    await optimizer.update(
      new Map([...store.tensors].map(([name, { data }]) => [name, new Float32Array(data.length)])),
    );
    expect([...of("fc.weight")]).toEqual(Array(4).fill(Math.fround(1 - vector.lr * vector.weightDecay)));
    for (const name of ["fc.bias", "rows.bias", "norm.weight"]) expect([...of(name)]).toEqual([1, 1]);
  });

  it("takes torch's clipped steps, with the norm over all tensors together", async () => {
    // The vector's three numbers as two matrices: clipping each by its own norm would give other steps.
    const { optimizer, of } = optimizerOf({ "a.weight": [1, 2], "b.weight": [1, 1] }, vector.maxGradNorm);
    of("a.weight").set(vector.init.slice(0, 2));
    of("b.weight").set(vector.init.slice(2));
    for (const [i, g] of vector.grads.entries()) {
      const { norm } = await optimizer.update(gradientsOf({ "a.weight": g.slice(0, 2), "b.weight": g.slice(2) }));
      expect(norm).toBeCloseTo(vector.steps[i]!.gradNorm, 6);
      expect(relativeError([...of("a.weight"), ...of("b.weight")], vector.steps[i]!.params)).toBeLessThan(1e-6);
    }
  });

  it("names a gradient that is not finite and changes nothing", async () => {
    const { optimizer, of } = optimizerOf({ "a.weight": [1, 2], "b.weight": [1, 2] }, 1);
    const good = gradientsOf({ "a.weight": [1, 2], "b.weight": [3, 4] });
    await optimizer.update(good);
    const state = () =>
      JSON.stringify([optimizer.step, ...of("a.weight"), ...of("b.weight"), ...optimizer.moments.values()]);
    const before = state();
    const bad = gradientsOf({ "a.weight": [1, 2], "b.weight": [3, Number.NaN] });
    await expect(optimizer.update(bad)).rejects.toThrow(
      expect.objectContaining({
        name: "NotFiniteError",
        message: "step 2: the gradient of llm.model.b.weight is not finite",
      }),
    );
    expect(state()).toBe(before);
    await optimizer.update(good);
    expect(state()).not.toBe(before);
  });
});

describe("a schedule that holds its peak", () => {
  it("stays at 1 for its share of the steps, then decays to the end", () => {
    const at = (step: number) =>
      scheduleFactor(step, { kind: "linear", warmupSteps: 10, totalSteps: 110, hold: 0.6, minFactor: 0.1 });
    expect([5, 10, 70, 90, 110, 200].map(at)).toEqual([0.5, 1, 1, 0.55, 0.1, 0.1].map((x) => expect.closeTo(x, 9)));
  });
});
