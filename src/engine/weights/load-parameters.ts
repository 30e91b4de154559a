/** @file Reads a checkpoint's parameters into memory of one's own. */
import { type Checkpoint, checkTensors, toF32 } from "../../hub/index.ts";
import { type FlashVLConfig, listParameters } from "../../model/index.ts";
import { createTensor, type Tensor } from "../runtime/index.ts";

/**
 * Every parameter that the model uses, as float32.
 * @throws CheckpointError listing every tensor that does not fit config.json.
 */
export async function loadParameters(checkpoint: Checkpoint, config: FlashVLConfig): Promise<Map<string, Tensor>> {
  const parameters = listParameters(config).filter((parameter) => parameter.required);
  checkTensors(checkpoint, parameters);
  const tensors = new Map<string, Tensor>();
  for (const { name, shape } of parameters) {
    const tensor = createTensor("float32", shape);
    const { dtype } = checkpoint.tensors.get(name)!;
    toF32(await checkpoint.readTensor(name), dtype, tensor.data as Float32Array);
    tensors.set(name, tensor);
  }
  return tensors;
}
