/** @file Learns from prompts what the inputs of layers look like, so that rounding can make up for its errors. */
import { createHash } from "node:crypto";
import { type GraphOutputs, isOp, linearOp, matmul, reshape, topologicalOrder, type Value } from "../../graph/index.ts";
import type { Checkpoint } from "../../hub/index.ts";
import { decoderGraph, visionGraph } from "../../model/index.ts";
import {
  feedbackFactor,
  layerName,
  planned,
  type QuantizePlan,
  type SmoothingGroup,
  smoothingGroups,
  weightOf,
  withQueries,
} from "../../passes/index.ts";
import { createTensor, type Runtime, type SessionOptions } from "../../runtime/index.ts";
import type { Calibration } from "../compile-checkpoint.ts";
import { availableKernels, type Preset, type PresetOptions, presetPlans } from "../presets.ts";
import { tensorReader } from "../write-weights.ts";
import type { AccuracyModel } from "./prompt-reader.ts";
import { runProbe } from "./run-probe.ts";
import type { AccuracyPrompt } from "./sample-prompts.ts";
import { sizeName, sizeOutputs, smoothingFactors } from "./smooth.ts";

/** Layers with more inputs are left out: the factor takes k³ steps, half a minute at this width. */
const MOST_INPUTS = 2048;

/** Names of the layers that read one value, and its width. */
interface Inputs {
  layers: string[];
  k: number;
}

/** The float32 graph with XᵀX of every value that layers at 4 bits read; layers that share their input share the sum. */
function gramProbe(outputs: GraphOutputs, plan: QuantizePlan): { graph: GraphOutputs; inputs: Map<string, Inputs> } {
  const names = new Map<Value, string>();
  const grams: Record<string, Value> = {};
  const inputs = new Map<string, Inputs>();
  for (const node of topologicalOrder(Object.values(outputs))) {
    const stored = isOp(node, linearOp) ? weightOf(node.inputs[1]) : undefined;
    const x = node.inputs[0];
    if (!stored || !x || !planned(stored, plan).startsWith("int4")) continue;
    const k = x.shape.at(-1) as number;
    if (k > MOST_INPUTS) continue;
    const name = names.get(x) ?? `gram ${layerName(stored)}`;
    if (!names.has(x)) {
      names.set(x, name);
      const rows = x.shape.length === 2 ? x : reshape(x, [x.shape.slice(0, -1).join("*"), k]);
      grams[name] = matmul(rows, rows, true, false);
      inputs.set(name, { layers: [], k });
    }
    inputs.get(name)!.layers.push(`${layerName(stored)}.weight`);
  }
  return { graph: { ...outputs, ...grams }, inputs };
}

export interface CalibrateOptions extends PresetOptions {
  preset: Preset;
  runtime: Runtime;
  session: SessionOptions;
  /**
   * Strength α of smoothing, above 0 and at most 1: which share of an activation's size moves into the weights. SmoothQuant
   * takes 0.5. Default: none.
   */
  smooth?: number;
  signal?: AbortSignal;
}

/**
 * Reads the prompts in float32 and prepares error feedback for the preset's layers of 4 bits with up to 2,048 inputs, and
 * with `smooth` smoothing for its layers of 8 bits that a norm feeds (`smoothingGroups` says which).
 * @throws RangeError when `smooth` is out of its range
 * @example const calibration = await calibrate(checkpoint, model, prompts, { runtime, preset: "int4", session: {} });
 */
export async function calibrate(
  checkpoint: Checkpoint,
  model: AccuracyModel,
  prompts: readonly AccuracyPrompt[],
  { preset, runtime, session, smooth, ...options }: CalibrateOptions,
): Promise<Calibration> {
  if (smooth !== undefined && !(smooth > 0 && smooth <= 1))
    throw new RangeError(`smooth must be above 0 and at most 1; found ${smooth}.`);
  const { config } = model;
  const plans = presetPlans(preset, config, { kernels: availableKernels(runtime, options.device), ...options });
  const probes = {
    vision: gramProbe(visionGraph(config), plans.vision),
    decoder: gramProbe(withQueries(decoderGraph(config), config.decoder), plans.decode),
  };
  const groups = {
    vision: smooth ? smoothingGroups(probes.vision.graph, [plans.vision]) : [],
    decoder: smooth ? smoothingGroups(probes.decoder.graph, [plans.prefill, plans.decode]) : [],
  };
  const sizes = new Map<SmoothingGroup, Float32Array>();
  const found: { inputs: Inputs; sum: Float64Array }[] = [];
  await runProbe(checkpoint, model, prompts, {
    vision: { ...probes.vision.graph, ...sizeOutputs(groups.vision) },
    decoder: { ...probes.decoder.graph, ...sizeOutputs(groups.decoder) },
    runtime,
    session,
    signal: options.signal,
    bind(graph, loaded) {
      const own = [...probes[graph].inputs].map(([name, inputs]) => {
        const tensor = createTensor("float32", [inputs.k, inputs.k]);
        loaded.bindOutput(name, tensor);
        return { inputs, data: tensor.data as Float32Array, sum: new Float64Array(inputs.k ** 2) };
      });
      found.push(...own);
      const largest = groups[graph].map((group) => {
        const tensor = createTensor("float32", [group.k]);
        loaded.bindOutput(sizeName(group), tensor);
        const size = new Float32Array(group.k);
        sizes.set(group, size);
        return { data: tensor.data as Float32Array, size };
      });
      return () => {
        for (const { data, size } of largest) size.set(size.map((most, i) => Math.max(most, data[i]!)));
        for (const { data, sum } of own) for (let i = 0; i < sum.length; i++) sum[i]! += data[i]!;
      };
    },
  });
  const factors = new Map<string, Float64Array>();
  const id = createHash("sha256");
  for (const { inputs, sum } of found) {
    const factor = feedbackFactor(sum, inputs.k);
    id.update(new Uint8Array(factor.buffer));
    for (const layer of inputs.layers) factors.set(layer, factor);
  }
  if (smooth === undefined) return { id: id.digest("hex"), factors };
  const columns = await smoothingFactors(sizes, tensorReader(checkpoint), smooth);
  for (const [name, factor] of columns) id.update(name).update(new Uint8Array(factor.buffer));
  return { id: id.digest("hex"), factors, columns };
}
