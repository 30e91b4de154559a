/** @file One training graph, loaded once: inputs, weights, outputs and gradients are bound to memory that never moves. */

import { createTensor, nativeRuntime, type Session, type Tensor, trainingKernels } from "../engine/index.ts";
import { elementCount, gradients, recompute, serialize, sourceName, sources, type Value } from "../graph/index.ts";
import { type LoraConfig, lowerAttention, type Precision, useTrainingKernels, withLora } from "../model/index.ts";
import type { ParameterStore } from "./parameter-store.ts";

export interface StepGraph {
  /** Scalar that is differentiated; leave out for a graph that only evaluates. */
  readonly loss?: Value;
  /** Other values to read after a run, by name. */
  readonly outputs: Readonly<Record<string, Value>>;
}

export interface StepSessionOptions {
  readonly threads?: number;
  /** Names of the parameters whose gradients are wanted. */
  readonly trained?: Iterable<string>;
  /** Makes the forward of each decoder layer, tower layer and head chunk twice instead of keeping its values. */
  readonly recompute?: boolean;
  readonly lora?: { readonly config: LoraConfig; readonly names: ReadonlySet<string> };
  /** Factors of matrix products, "float32" unless told otherwise; bfloat16 only where the native kernels have it. */
  readonly precision?: Precision;
  readonly profilePrefix?: string;
}

/** A loaded step: fill `inputs`, call `run`, read `outputs` and `gradients`. */
export class StepSession {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly gradients: ReadonlyMap<string, Tensor<Float32Array>>;
  readonly #session: Session;

  constructor(session: Session, parts: Pick<StepSession, "inputs" | "outputs" | "gradients">) {
    this.#session = session;
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
    this.gradients = parts.gradients;
  }

  run(signal?: AbortSignal): Promise<void> {
    return this.#session.run(signal);
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

const GRADIENT = "gradient:";
/** What recomputation makes a second time as one piece, by the scope of its nodes: a layer, or a chunk of the head. */
export const segmentOf = (scope: string): string | undefined =>
  /^(?:decoder\/layers|tower\/layers|head_chunk)\.\d+/.exec(scope)?.[0];
const tensorFor = (v: Value): Tensor => {
  elementCount(v.shape);
  return createTensor(v.dtype, v.shape as number[]);
};

/** The precision that this machine computes in when `wanted` is asked for: bfloat16 needs native kernels that have it. */
export const usedPrecision = (wanted: Precision = "float32"): Precision =>
  wanted === "bfloat16" && trainingKernels()?.bfloat16 ? "bfloat16" : "float32";

/**
 * Differentiates `loss` by the trained parameters it depends on and loads the result.
 * @throws Error when an op on the way to a trained parameter has no gradient, or a parameter is not in the store
 */
export async function createStepSession(
  graph: StepGraph,
  store: ParameterStore,
  options: StepSessionOptions = {},
): Promise<StepSession> {
  const wanted = new Set(options.trained ?? []);
  const plain: Record<string, Value> = { ...graph.outputs, ...(graph.loss ? { loss: graph.loss } : {}) };
  const adapted = options.lora
    ? withLora(Object.values(plain), options.lora.config, options.lora.names)
    : Object.values(plain);
  const kernels = trainingKernels();
  const precision = usedPrecision(options.precision);
  const formed = kernels ? useTrainingKernels(adapted, precision) : lowerAttention(adapted);
  const outputs = Object.fromEntries(Object.keys(plain).map((name, i) => [name, formed[i]!]));
  const roots = Object.values(outputs);
  const trained = sources(roots, "Weight").filter((w) => wanted.has(sourceName(w)));
  const grads = outputs.loss ? gradients(outputs.loss, trained) : [];
  trained.forEach((w, i) => {
    if (grads[i]) outputs[GRADIENT + sourceName(w)] = grads[i];
  });
  const computed = options.recompute ? recompute(Object.values(outputs), segmentOf) : Object.values(outputs);
  const named = Object.fromEntries(Object.keys(outputs).map((name, i) => [name, computed[i]!]));
  const { bytes, inputs, weights } = serialize(named, "inputs");
  // The shapes never change, so ORT may plan its memory once.
  const session = await nativeRuntime().createSession(bytes, {
    threads: options.threads,
    memoryPattern: true,
    customOps: kernels?.path,
    profilePrefix: options.profilePrefix,
  });
  const bound = {
    inputs: new Map<string, Tensor>(),
    outputs: new Map<string, Tensor>(),
    gradients: new Map<string, Tensor<Float32Array>>(),
  };
  for (const v of inputs) {
    bound.inputs.set(sourceName(v), tensorFor(v));
    session.bindInput(sourceName(v), bound.inputs.get(sourceName(v))!);
  }
  for (const w of weights) {
    const tensor = store.tensors.get(sourceName(w));
    if (!tensor) throw new Error(`the graph uses "${sourceName(w)}", which is not among the parameters`);
    session.bindInput(sourceName(w), tensor);
  }
  for (const [name, v] of Object.entries(outputs)) {
    const tensor = tensorFor(v);
    if (name.startsWith(GRADIENT)) bound.gradients.set(name.slice(GRADIENT.length), tensor as Tensor<Float32Array>);
    else bound.outputs.set(name, tensor);
    session.bindOutput(name, tensor);
  }
  return new StepSession(session, bound);
}
