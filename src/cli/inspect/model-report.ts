/** @file Gathers what `flashvl inspect` shows, as plain data. */
import type { Checkpoint } from "../../hub/index.ts";
import type { ModelConfig, Part } from "../../model/index.ts";
import type { Speed } from "./measure-speed.ts";

/** One tensor of a checkpoint. */
export interface TensorRow {
  name: string;
  dtype: string;
  shape: number[];
  bytes: number;
  part: Part | "unknown";
}

/** Memory of a model in one precision, in bytes. */
export interface MemoryEstimate {
  preset: string;
  /** Weights of all graphs, in memory while the model is open. */
  weights: number;
  /** Keys and values of one token of a conversation. */
  kvPerToken: number;
  /** Keys and values of a conversation that fills the context. */
  kvFull: number;
}

/** Which kernels compute a graph, in words. */
export interface GraphForms {
  preset: string;
  parts: { part: string; products: string; attention: string; others: string }[];
}

/** What a checkpoint is. */
export interface ModelReport {
  folder: string;
  config: ModelConfig;
  /** Numbers by part of the model, and in all. */
  parameters: Record<string, number>;
  /** Bytes by element type, and in all. */
  bytes: Record<string, number>;
  memory: MemoryEstimate[];
  /** The preset that the model opens in on the CPU where none is named. */
  defaultPreset: string;
  /** Where it was measured. */
  speed?: Speed[];
  /** Which kernels compute the parts of the model. */
  forms: GraphForms;
  /** Widths of the connector's layers, its inputs first. */
  connector: number[];
  prompt: {
    systemPrompt: string | null;
    /** What was not published about the family. */
    assumed: readonly string[];
  };
  tensors: TensorRow[];
  /** What does not fit config.json; undefined when everything does. */
  mismatches?: string;
}

/** Reads headers only, no tensor data. */
export async function reportOn(checkpoint: Checkpoint, config: ModelConfig): Promise<ModelReport> {
  const { checkTensors, CheckpointError } = await import("../../hub/index.ts");
  const { dialectOf, familyOf, listParameters } = await import("../../model/index.ts");
  const { defaultPreset } = await import("../../compile/index.ts");
  const expected = listParameters(config);
  const nameOf = new Map(expected.map(({ name, part }) => [checkpoint.nameInFile?.(name) ?? name, part]));
  const files = checkpoint.asStored ?? checkpoint;
  const tensors = [...files.tensors].map(([name, { dtype, shape, bytes }]): TensorRow => {
    return { name, dtype, shape, bytes, part: nameOf.get(name) ?? "unknown" };
  });
  const parameters: Record<string, number> = { total: 0 };
  const bytes: Record<string, number> = { total: 0 };
  for (const tensor of tensors) {
    const count = tensor.shape.reduce((product, size) => product * size, 1);
    for (const key of [tensor.part, "total"]) parameters[key] = (parameters[key] ?? 0) + count;
    for (const key of [tensor.dtype, "total"]) bytes[key] = (bytes[key] ?? 0) + tensor.bytes;
  }
  const family = familyOf(config);
  const layers = expected.filter(({ part, role }) => part === "adapter" && role === "matrix");
  const report: ModelReport = {
    folder: checkpoint.folder,
    config,
    parameters,
    bytes,
    memory: await estimateMemory(config),
    defaultPreset: defaultPreset(config),
    forms: await graphForms(config),
    connector: [layers[0]!.shape[1]!, ...layers.map(({ shape }) => shape[0]!)],
    prompt: { systemPrompt: dialectOf(config).systemPrompt, assumed: family.assumed ?? [] },
    tensors,
  };
  try {
    checkTensors(
      checkpoint,
      expected.filter(({ required }) => required),
    );
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    report.mismatches = error.message;
  }
  return report;
}

/** The weights are counted by laying out each preset's graphs as compiling would, without writing them. */
async function estimateMemory(config: ModelConfig): Promise<MemoryEstimate[]> {
  const { bytesOf } = await import("../../runtime/index.ts");
  const { availableKernels, PRESET_NAMES, presetGraphs } = await import("../../compile/index.ts");
  const { nativeRuntime } = await import("../../runtime/ort/index.ts");
  const kernels = availableKernels(nativeRuntime());
  const { ExternalData, serialize } = await import("../../graph/index.ts");
  const { cacheNames } = await import("../../model/index.ts");
  const { layers, kvHeads, headDim, maxPositions } = config.decoder;
  return PRESET_NAMES.map((preset) => {
    const { vision, prefill, decode } = presetGraphs(preset, config, preset === "fp16" ? {} : { kernels });
    const data = new ExternalData("weights.data");
    for (const graph of new Set([vision, prefill, decode])) serialize(graph, data);
    const kvPerToken = 2 * layers * kvHeads * headDim * bytesOf(decode[cacheNames(0).presentKey]!.dtype);
    return { preset, weights: data.bytes, kvPerToken, kvFull: kvPerToken * maxPositions };
  });
}

/** Ops that compute products, and what they are called. */
const PRODUCTS = new Map<string, string>(
  Object.entries({
    BlockwiseMatMul: "native",
    MatMulNBits: "ONNX Runtime, blockwise",
    Int8Linear: "ONNX Runtime, int8",
    Linear: "float32",
  }),
);
const ATTENTION = new Map<string, string>(
  Object.entries({
    TowerAttention: "native",
    MultiHeadAttention: "ONNX Runtime",
    CachedAttention: "native",
    GroupQueryAttention: "ONNX Runtime",
  }),
);
/** Ops that cost nothing beside a product: they move or pick rows. */
const FREE = new Set(["Input", "Weight", "Reshape", "Transpose", "Slice", "Gather", "Cast", "Constant", "BlockMaxima"]);

/** What the graphs of preset "auto" are made of: a step that stands alone shows that its product could not take it in. */
async function graphForms(config: ModelConfig): Promise<GraphForms> {
  const { availableKernels, presetGraphs } = await import("../../compile/index.ts");
  const { nativeRuntime } = await import("../../runtime/ort/index.ts");
  const { topologicalOrder } = await import("../../graph/index.ts");
  const preset = "auto";
  const { vision, prefill, decode } = presetGraphs(preset, config, { kernels: availableKernels(nativeRuntime()) });
  const graphs = prefill === decode ? { vision, decoder: decode } : { vision, prefill, decode };
  const parts = Object.entries(graphs).map(([part, graph]) => {
    const names = topologicalOrder(Object.values(graph)).map(({ op, inputs }) => {
      // Qwen3's norms stand between a product and attention, where no kernel takes them in.
      const { qkNorm, headDim } = config.decoder;
      const ofHeads = qkNorm && op.name === "RmsNorm" && inputs[1]?.shape[0] === headDim;
      return ofHeads ? "RmsNorm of queries and keys" : op.name;
    });
    const count = (wanted: (name: string) => string | undefined): string => {
      const counts = new Map<string, number>();
      for (const label of names.map(wanted)) if (label) counts.set(label, (counts.get(label) ?? 0) + 1);
      return [...counts].map(([label, n]) => `${n} ${label}`).join(", ") || "none";
    };
    const known = (name: string) => PRODUCTS.has(name) || ATTENTION.has(name) || FREE.has(name);
    return {
      part,
      products: `products: ${count((name) => PRODUCTS.get(name))}`,
      attention: `attention: ${count((name) => ATTENTION.get(name))}`,
      others: `beside them: ${count((name) => (known(name) ? undefined : name))}`,
    };
  });
  return { preset, parts };
}
