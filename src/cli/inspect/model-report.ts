/** @file Gathers what `flashvl inspect` shows, as plain data. */
import type { Checkpoint } from "../../hub/index.ts";
import type { FlashVLConfig, Part } from "../../model/index.ts";

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

/** What a checkpoint is. */
export interface ModelReport {
  folder: string;
  config: FlashVLConfig;
  /** Numbers by part of the model, and in all. */
  parameters: Record<string, number>;
  /** Bytes by element type, and in all. */
  bytes: Record<string, number>;
  memory: MemoryEstimate[];
  tensors: TensorRow[];
  /** What does not fit config.json; undefined when everything does. */
  mismatches?: string;
}

/** Reads headers only, no tensor data. */
export async function reportOn(checkpoint: Checkpoint, config: FlashVLConfig): Promise<ModelReport> {
  const { checkTensors, CheckpointError } = await import("../../hub/index.ts");
  const { listParameters } = await import("../../model/index.ts");
  const expected = listParameters(config);
  const partOf = new Map(expected.map(({ name, part }) => [name, part]));
  const tensors = [...checkpoint.tensors].map(([name, { dtype, shape, bytes }]): TensorRow => {
    return { name, dtype, shape, bytes, part: partOf.get(name) ?? "unknown" };
  });
  const parameters: Record<string, number> = { total: 0 };
  const bytes: Record<string, number> = { total: 0 };
  for (const tensor of tensors) {
    const count = tensor.shape.reduce((product, size) => product * size, 1);
    for (const key of [tensor.part, "total"]) parameters[key] = (parameters[key] ?? 0) + count;
    for (const key of [tensor.dtype, "total"]) bytes[key] = (bytes[key] ?? 0) + tensor.bytes;
  }
  const report: ModelReport = {
    folder: checkpoint.folder,
    config,
    parameters,
    bytes,
    memory: await estimateMemory(config),
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
async function estimateMemory(config: FlashVLConfig): Promise<MemoryEstimate[]> {
  const { bytesOf, PRESET_NAMES, presetGraphs } = await import("../../engine/index.ts");
  const { ExternalData, serialize } = await import("../../graph/index.ts");
  const { cacheNames } = await import("../../model/index.ts");
  const { layers, kvHeads, headDim, maxPositions } = config.decoder;
  return PRESET_NAMES.map((preset) => {
    const { vision, prefill, decode } = presetGraphs(preset, config);
    const data = new ExternalData("weights.data");
    for (const graph of new Set([vision, prefill, decode])) serialize(graph, data);
    const kvPerToken = 2 * layers * kvHeads * headDim * bytesOf(decode[cacheNames(0).presentKey]!.dtype);
    return { preset, weights: data.bytes, kvPerToken, kvFull: kvPerToken * maxPositions };
  });
}
