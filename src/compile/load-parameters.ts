/** @file Reads a checkpoint's parameters into memory of one's own. */
import { type Checkpoint, loadTensors } from "../hub/index.ts";
import { listParameters, type ModelConfig } from "../model/index.ts";
import { createTensor, type Tensor } from "../runtime/index.ts";

/**
 * Every parameter that the model uses, as float32.
 * @throws CheckpointError listing every tensor that does not fit config.json.
 */
export async function loadParameters(checkpoint: Checkpoint, config: ModelConfig): Promise<Map<string, Tensor>> {
  const parameters = listParameters(config).filter((parameter) => parameter.required);
  const tensors = new Map<string, Tensor>();
  await loadTensors(checkpoint, parameters, ({ name, shape }) => {
    const tensor = createTensor("float32", shape);
    tensors.set(name, tensor);
    return tensor.data as Float32Array;
  });
  return tensors;
}
