/** @file Token embeddings, read row by row from a checkpoint's file. */
import { type EmbeddingTable, storedEmbeddings } from "../engine/index.ts";
import { type Checkpoint, toF32 } from "../hub/index.ts";
import { listParameters, type ModelConfig } from "../model/index.ts";

/** The rows of an open checkpoint. */
export function checkpointEmbeddings(checkpoint: Checkpoint, config: ModelConfig): EmbeddingTable {
  const { name } = listParameters(config).find(({ role }) => role === "embeddings")!;
  const info = checkpoint.tensors.get(name);
  if (!info) throw new Error(`The checkpoint ${checkpoint.folder} has no tensor "${name}".`);
  const rowBytes = info.bytes / info.shape[0]!;
  return storedEmbeddings(
    async (id) => toF32(await checkpoint.readRange(name, id * rowBytes, (id + 1) * rowBytes), info.dtype),
    config.decoder.hiddenSize,
  );
}
