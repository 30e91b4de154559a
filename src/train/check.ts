/** @file Compares the project's training step with reference numbers: losses, gradients and updated weights. */

import { mergeLora, Random } from "../common/index.ts";
import type { ModelChoices } from "../model/index.ts";
import { listParameters } from "../model/index.ts";
import { loraParameters } from "../passes/index.ts";
import { accumulate } from "./accumulate.ts";
import {
  type CheckRow,
  compareGradient,
  compareLoss,
  compareWeight,
  GRADIENT_TOLERANCE,
  largestOfAll,
  settleNoise,
} from "./check/compare.ts";
import { type Layout, layOut } from "./check/lay-out.ts";
import { readReference, type Tensors, type TrainingReference } from "./check/reference.ts";
import { fillInputs } from "./data/batches.ts";
import { nativeTraining } from "./native-training.ts";
import { adamw, newMoments } from "./optim/adamw.ts";
import { globalNorm } from "./optim/clip.ts";
import { ParameterStore } from "./parameter-store.ts";
import { sftGraph } from "./sft-graph.ts";
import { createStepSession, type StepSessionOptions } from "./step-session.ts";

export interface CheckOptions extends Layout, ModelChoices {
  /** Make each layer's forward twice instead of keeping its values. */
  readonly recompute?: boolean;
  /** Train a LoRA whose merged weights are the reference's: its gradients follow from the reference's. */
  readonly lora?: boolean;
  readonly threads?: number;
}

const TIED_HEAD = "llm.lm_head.weight";
const EMBEDDINGS = "llm.model.embed_tokens.weight";
const LORA = {
  rank: 4,
  alpha: 8,
  targetModules: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
};
const LORA_STD = 0.05;

/** A session over the reference's samples that runs all batches of one update and sums losses and gradients. */
async function openStep(
  r: TrainingReference,
  store: ParameterStore,
  o: CheckOptions,
  more: Omit<StepSessionOptions, "on">,
) {
  const { shape, batches } = layOut(r.samples, o);
  const session = await createStepSession(sftGraph(r.config, shape), store, {
    on: nativeTraining(),
    threads: o.threads,
    recompute: o.recompute,
    ...more,
  });
  const tokens = batches.reduce((n, b) => n + b.trainedTokens, 0);
  const summed = accumulate(session.gradients, batches.length);
  const run = async (): Promise<number> => {
    let loss = 0;
    summed.begin(batches.length);
    for (const batch of batches) {
      const weights = (session.inputs.get("weights")!.data as Float32Array).fill(0);
      fillInputs(session.inputs, batch, shape, r.config.windowTokens, (label) => {
        weights[label] = 1 / tokens;
      });
      await session.run();
      loss += (session.outputs.get("loss")!.data as Float32Array)[0]!;
      summed.add();
    }
    await summed.finish();
    return loss;
  };
  return { run, gradients: summed.gradients, [Symbol.asyncDispose]: () => session.dispose() };
}

async function checkFullTraining(r: TrainingReference, o: CheckOptions): Promise<CheckRow[]> {
  const { store } = r;
  await using step = await openStep(r, store, o, { trained: store.parameters.map((p) => p.name) });
  const scale = largestOfAll(r.gradients);
  // With a tied head both names mean the embeddings; the unused pooling head is in no graph.
  const own = (name: string): string => (name === TIED_HEAD && r.config.decoder.tiedHead ? EMBEDDINGS : name);
  const unused = new Set(listParameters(r.config).flatMap(({ name, required }) => (required ? [] : [name])));
  const compared = (tensors: Tensors) => [...tensors].filter(([name]) => !unused.has(name));
  const { lr, betas, eps, weight_decay: weightDecay } = r.optimizer;
  const moments = new Map([...step.gradients].map(([name, g]) => [name, newMoments(g.length)]));
  const rows: CheckRow[] = [];
  const gradientRows: CheckRow[] = [];
  for (let i = 0; i <= r.steps; i++) {
    const loss = await step.run();
    if (r.losses[i] !== undefined) rows.push(compareLoss(`loss after ${i} updates`, loss, r.losses[i]!));
    if (i === 0) {
      for (const [name, expected] of compared(r.gradients))
        gradientRows.push(compareGradient(name, step.gradients.get(own(name)), expected, scale));
      if (r.gradNorm !== undefined) {
        const difference = Math.abs(globalNorm(step.gradients.values()) / r.gradNorm - 1);
        const tolerance = GRADIENT_TOLERANCE;
        gradientRows.push({ kind: "gradient", name: "norm", difference, tolerance, ok: difference <= tolerance });
      }
    }
    if (i === r.steps) break;
    // Where the first update is decided by rounding noise, both runs go on from the reference's: one weight that went the
    // other way would be told from then on in every loss.
    const gradient = (name: string, g: Float32Array) => (i === 0 ? settleNoise(g, r.gradients.get(name)) : g);
    for (const [name, g] of step.gradients)
      adamw(store.get(name), gradient(name, g), moments.get(name)!, i + 1, lr, 1, { betas, epsilon: eps, weightDecay });
  }
  const weightRows = compared(r.after).map(([name, expected]) =>
    compareWeight(name, store.tensors.get(own(name))?.data, expected, r.gradients.get(name), scale),
  );
  return [...rows, ...gradientRows, ...weightRows];
}

/** a·b for a [m, k], b [k, n], both row by row; `at` reads an element so that transposes need no copies. */
function product(m: number, k: number, n: number, a: (i: number, j: number) => number, b: typeof a): Float32Array {
  const out = new Float32Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++) sum += a(i, l) * b(l, j);
      out[i * n + j] = sum;
    }
  return out;
}

/** W = W₀ + s·B·A gives dA = s·Bᵀ·dW and dB = s·dW·Aᵀ: so a LoRA can be judged by the plain reference gradients. */
async function checkLora(r: TrainingReference, o: CheckOptions): Promise<CheckRow[]> {
  const { rank, alpha } = LORA;
  const adapters = loraParameters(r.store.parameters, LORA);
  const store = ParameterStore.joined(r.store, adapters);
  const random = new Random(1);
  for (const p of adapters)
    store.get(p.name).forEach((_, i, data) => {
      data[i] = LORA_STD * random.normal();
    });
  const pairs = adapters
    .filter((p) => p.name.endsWith(".lora_A.weight"))
    .map((p) => {
      const module = p.name.replace(/\.lora_A\.weight$/, "");
      return { module, a: store.get(p.name), b: store.get(`${module}.lora_B.weight`), inner: p.shape[1]! };
    });
  for (const { module, a, b } of pairs) mergeLora(store.get(`${module}.weight`), a, b, { rank, alpha: -alpha });
  const names = new Set(adapters.map((p) => p.name));
  await using step = await openStep(r, store, o, { trained: names, lora: { config: LORA, names } });
  const rows = [compareLoss("loss with LoRA", await step.run(), r.losses[0]!)];
  const scale = largestOfAll(r.gradients);
  const s = alpha / rank;
  for (const { module, a, b, inner } of pairs) {
    const dw = r.gradients.get(`${module}.weight`);
    if (!dw) continue;
    const out = dw.length / inner;
    const w = (i: number, j: number) => dw[i * inner + j]! * s;
    const da = product(rank, out, inner, (i, j) => b[j * rank + i]!, w);
    const db = product(out, inner, rank, w, (i, j) => a[j * inner + i]!);
    rows.push(compareGradient(`${module}.lora_A.weight`, step.gradients.get(`${module}.lora_A.weight`), da, scale));
    rows.push(compareGradient(`${module}.lora_B.weight`, step.gradients.get(`${module}.lora_B.weight`), db, scale));
  }
  return rows;
}

/**
 * Trains on the samples of a folder laid out like test/golden/static-tiny and compares each number with the reference.
 * @returns a row for each loss, gradient tensor and weight tensor; `ok` is false past its tolerance
 * @throws Error when the folder lacks a file or its files contradict each other
 * @example (await checkTraining("test/golden/static-tiny", { packing: true })).every((row) => row.ok)
 */
export async function checkTraining(folder: string, options: CheckOptions = {}): Promise<CheckRow[]> {
  const reference = await readReference(folder, { iss: options.iss });
  return options.lora ? checkLora(reference, options) : checkFullTraining(reference, options);
}
