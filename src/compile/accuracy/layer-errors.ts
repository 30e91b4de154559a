/** @file Error of every layer on its own: the float32 graph, with each layer computed a second time in the other precision. */

import { type GraphOutputs, inPlaceOf, mul, reduceSum, sub, topologicalOrder, type Value } from "../../graph/index.ts";
import type { Checkpoint } from "../../hub/index.ts";
import { decoderGraph, type ModelConfig, visionGraph } from "../../model/index.ts";
import {
  layerName,
  type QuantizePlan,
  quantizedLinear,
  ruleFor,
  type SchemeName,
  weightOf,
  withQueries,
} from "../../passes/index.ts";
import { createTensor, type Runtime, type Session, type SessionOptions } from "../../runtime/index.ts";
import { availableKernels, kernelsLibrary, type Preset, type PresetOptions, presetPlans } from "../presets.ts";
import type { AccuracyModel } from "./prompt-reader.ts";
import { runProbe } from "./run-probe.ts";
import type { AccuracyPrompt } from "./sample-prompts.ts";

/** A layer's error: root mean square of the difference, relative to that of the float32 output. */
export interface LayerError {
  layer: string;
  /** The precision that was compared with float32. */
  scheme: SchemeName;
  error: number;
}

/**
 * The float32 graph with two more scalars for each layer to which the plan gives another precision: the sum of squared
 * differences between both outputs, and the sum of squares of the float32 output. Inputs of every layer are exact, so
 * errors do not add up along the model.
 */
export function errorProbe(outputs: GraphOutputs, plan: QuantizePlan): { graph: GraphOutputs; layers: string[] } {
  const probes: Record<string, Value> = {};
  const layers: string[] = [];
  const total = (x: Value) =>
    reduceSum(
      mul(x, x),
      x.shape.map((_, axis) => axis),
    );
  for (const node of topologicalOrder(Object.values(outputs))) {
    const other = inPlaceOf(node, () => quantizedLinear(node, plan));
    if (!other) continue;
    const layer = layerName(weightOf(node.inputs[1])!);
    layers.push(layer);
    probes[`error ${layer}`] = total(sub(other, node.outputs[0]!));
    probes[`size ${layer}`] = total(node.outputs[0]!);
  }
  return { graph: { ...outputs, ...probes }, layers };
}

/** The probe's scalars, bound to a session and summed over its runs. */
class Sums {
  readonly #layers: readonly { layer: string; found: [Float32Array, Float32Array]; sums: [number, number] }[];

  constructor(session: Session, layers: readonly string[]) {
    const scalar = (name: string): Float32Array => {
      const tensor = createTensor("float32", []);
      session.bindOutput(name, tensor);
      return tensor.data as Float32Array;
    };
    this.#layers = layers.map((layer) => ({
      layer,
      found: [scalar(`error ${layer}`), scalar(`size ${layer}`)],
      sums: [0, 0],
    }));
  }

  add(): void {
    for (const { found, sums } of this.#layers)
      found.forEach((value, i) => {
        sums[i]! += value[0]!;
      });
  }

  errors(): Omit<LayerError, "scheme">[] {
    return this.#layers.map(({ layer, sums: [error, size] }) => ({ layer, error: Math.sqrt(error / (size || 1)) }));
  }
}

/**
 * Errors of all layers that a preset does not keep in float32, the worst first, over the given prompts. Takes the float32
 * weights and the others, on disk (in the system's temporary folder while it runs) and in memory.
 */
export async function layerErrors(
  checkpoint: Checkpoint,
  model: AccuracyModel,
  prompts: readonly AccuracyPrompt[],
  {
    preset,
    runtime,
    session,
    ...options
  }: PresetOptions & {
    preset: Preset;
    runtime: Runtime;
    session: SessionOptions;
    signal?: AbortSignal;
  },
): Promise<LayerError[]> {
  const { config }: { config: ModelConfig } = model;
  const plans = presetPlans(preset, config, { kernels: availableKernels(runtime, options.device), ...options });
  const vision = errorProbe(visionGraph(config), plans.vision);
  const decoder = errorProbe(withQueries(decoderGraph(config), config.decoder), plans.decode);
  const customOps = kernelsLibrary(runtime, plans.decode.kernels);
  const all: Sums[] = [];
  await runProbe(checkpoint, model, prompts, {
    vision: vision.graph,
    decoder: decoder.graph,
    runtime,
    session: { ...session, customOps },
    signal: options.signal,
    bind(graph, loaded) {
      const sums = new Sums(loaded, { vision, decoder }[graph].layers);
      all.push(sums);
      return () => sums.add();
    },
  });
  const { rules } = plans.decode;
  return all
    .flatMap((one) => one.errors())
    .map(({ layer, error }) => ({ layer, scheme: ruleFor(rules, layer), error }))
    .sort((a, b) => b.error - a.error);
}
