/** @file One training graph, loaded once: inputs, weights, outputs and gradients are bound to memory that never moves. */

import {
  elementCount,
  type GraphOutputs,
  gradients,
  serialize,
  sourceName,
  type Value,
  weightsOf,
} from "../graph/index.ts";
import {
  type LoraConfig,
  lowerAttention,
  type Precision,
  recompute,
  useTrainingKernels,
  withLora,
} from "../passes/index.ts";
import { createTensor, type Runtime, type Session, type Tensor } from "../runtime/index.ts";
import type { ParameterStore } from "./parameter-store.ts";

export interface StepGraph {
  /** Scalar that is differentiated; leave out for a graph that only evaluates. */
  readonly loss?: Value;
  /** Other values to read after a run, by name. */
  readonly outputs: Readonly<Record<string, Value>>;
}

/** What a training graph runs on. */
export interface TrainingRuntime {
  readonly runtime: Runtime;
  /** This package's kernels of training; without them graphs are of ONNX's own ops. */
  readonly kernels?: { readonly path: string; readonly bfloat16: boolean };
}

export interface StepSessionOptions {
  readonly on: TrainingRuntime;
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

/** What a step's graph is made into before it is written: with its LoRA, its kernels and its gradients, each under its name. */
export function formStep(
  graph: StepGraph,
  options: Omit<StepSessionOptions, "threads" | "profilePrefix">,
): Readonly<Record<string, Value>> {
  const wanted = new Set(options.trained ?? []);
  const plain: GraphOutputs = { ...graph.outputs, ...(graph.loss ? { loss: graph.loss } : {}) };
  const adapted = options.lora ? withLora(plain, options.lora.config, options.lora.names) : plain;
  const { kernels } = options.on;
  const precision = options.precision === "bfloat16" && kernels?.bfloat16 ? "bfloat16" : "float32";
  const formed = kernels ? useTrainingKernels(adapted, precision) : lowerAttention(adapted);
  const outputs: Record<string, Value> = { ...formed };
  const trained = weightsOf(Object.values(formed)).filter((w) => wanted.has(sourceName(w)));
  const grads = formed.loss ? gradients(formed.loss, trained) : [];
  trained.forEach((w, i) => {
    if (grads[i]) outputs[GRADIENT + sourceName(w)] = grads[i];
  });
  return options.recompute ? recompute(outputs, segmentOf) : outputs;
}

/**
 * Differentiates `loss` by the trained parameters it depends on and loads the result.
 * @throws Error when an op on the way to a trained parameter has no gradient, or a parameter is not in the store
 */
export async function createStepSession(
  graph: StepGraph,
  store: ParameterStore,
  options: StepSessionOptions,
): Promise<StepSession> {
  const outputs = formStep(graph, options);
  const { bytes, inputs, weights } = serialize(outputs, "inputs");
  // Without a memory pattern: ORT makes one in the first run and then holds both that run's memory and the pattern's, twice as
  // much, and steps are no faster for it.
  const session = await options.on.runtime.createSession(bytes, {
    threads: options.threads,
    customOps: options.on.kernels?.path,
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
