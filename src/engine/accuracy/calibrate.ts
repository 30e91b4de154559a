/** @file Learns from prompts what the inputs of layers look like, so that rounding can make up for its errors. */
import { createHash } from "node:crypto";
import { linearOp, matmul, reshape, rewrite, type Value } from "../../graph/index.ts";
import type { Checkpoint } from "../../hub/index.ts";
import {
  decoderGraph,
  feedbackFactor,
  type GraphOutputs,
  layerName,
  planned,
  type QuantizePlan,
  visionGraph,
  weightOf,
  withQueries,
} from "../../model/index.ts";
import { type Calibration, type Preset, type PresetOptions, presetPlans } from "../compile/index.ts";
import { createTensor, type SessionOptions } from "../runtime/index.ts";
import type { AccuracyModel } from "./prompt-reader.ts";
import { runProbe } from "./run-probe.ts";
import type { AccuracyPrompt } from "./sample-prompts.ts";

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
  rewrite(Object.values(outputs), (node) => {
    const stored = node.op.name === linearOp.name ? weightOf(node.inputs[1]) : undefined;
    const x = node.inputs[0];
    if (!stored || !x || !planned(stored, plan).startsWith("int4")) return undefined;
    const k = x.shape.at(-1) as number;
    if (k > MOST_INPUTS) return undefined;
    const name = names.get(x) ?? `gram ${layerName(stored)}`;
    if (!names.has(x)) {
      names.set(x, name);
      const rows = x.shape.length === 2 ? x : reshape(x, [x.shape.slice(0, -1).join("*"), k]);
      grams[name] = matmul(rows, rows, true, false);
      inputs.set(name, { layers: [], k });
    }
    inputs.get(name)!.layers.push(`${layerName(stored)}.weight`);
    return undefined;
  });
  return { graph: { ...outputs, ...grams }, inputs };
}

/**
 * Reads the prompts in float32 and prepares error feedback for the preset's layers of 4 bits with up to 2,048 inputs.
 * @example const calibration = await calibrate(checkpoint, model, prompts, { preset: "int4", session: {} });
 */
export async function calibrate(
  checkpoint: Checkpoint,
  model: AccuracyModel,
  prompts: readonly AccuracyPrompt[],
  { preset, session, ...options }: PresetOptions & { preset: Preset; session: SessionOptions; signal?: AbortSignal },
): Promise<Calibration> {
  const { config } = model;
  const plans = presetPlans(preset, config, options);
  const probes = {
    vision: gramProbe(visionGraph(config), plans.vision),
    decoder: gramProbe(withQueries(decoderGraph(config), config.decoder), plans.decode),
  };
  const found: { inputs: Inputs; sum: Float64Array }[] = [];
  await runProbe(checkpoint, model, prompts, {
    vision: probes.vision.graph,
    decoder: probes.decoder.graph,
    session,
    signal: options.signal,
    bind(graph, loaded) {
      const own = [...probes[graph].inputs].map(([name, inputs]) => {
        const tensor = createTensor("float32", [inputs.k, inputs.k]);
        loaded.bindOutput(name, tensor);
        return { inputs, data: tensor.data as Float32Array, sum: new Float64Array(inputs.k ** 2) };
      });
      found.push(...own);
      return () => {
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
  return { id: id.digest("hex"), factors };
}
