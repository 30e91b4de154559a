/** @file The one way from a weight file to float32 in memory: every tensor is checked before the first is read. */
import { toF32 } from "../common/index.ts";
import { checkTensors, type ExpectedTensor } from "./check-tensors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { SafetensorsFile } from "./open-safetensors.ts";

/** A checkpoint, or one of its files. */
export type TensorSource = Pick<Checkpoint, "folder" | "tensors" | "nameInFile" | "readTensor"> | SafetensorsFile;

/**
 * Reads tensors as float32.
 *
 * @param memoryOf where a tensor goes, an array of as many elements as its shape says; new memory by default
 * @param model who expects these tensors, for messages
 * @returns the arrays by name
 * @throws CheckpointError listing every tensor that is missing or has another shape or type; nothing is read then
 * @example const { get } = await loadTensors(checkpoint, [{ name: "llm.model.norm.weight", shape: [1536] }]);
 */
export async function loadTensors<T extends ExpectedTensor>(
  source: TensorSource,
  expected: readonly T[],
  memoryOf: (tensor: T) => Float32Array = ({ shape }) => new Float32Array(shape.reduce((n, size) => n * size, 1)),
  model?: string,
): Promise<Map<string, Float32Array>> {
  const { tensors } = source;
  checkTensors("folder" in source ? source : { folder: source.path, tensors }, expected, model);
  const loaded = new Map<string, Float32Array>();
  for (const tensor of expected) {
    const { name } = tensor;
    loaded.set(name, toF32(await source.readTensor(name), tensors.get(name)!.dtype, memoryOf(tensor)));
  }
  return loaded;
}
