/** @file Token embeddings, looked up row by row in the checkpoint's file or in live memory. */
import { type Checkpoint, toF32 } from "../../hub/index.ts";

const NAME = "llm.model.embed_tokens.weight";
/** Rows kept in memory: common tokens come again and again. 4096 rows of the published model are 24 MiB. */
const KEPT_ROWS = 4096;

/** Where embedding rows come from. */
export interface EmbeddingTable {
  /** Writes the embedding of `ids[i]` to `target` at row `rows[i]` ([..., hidden]). */
  read(ids: readonly number[], target: Float32Array, rows: readonly number[]): Promise<void>;
}

/** Reads single rows from the checkpoint: the table is never in memory as a whole. */
export function checkpointEmbeddings(checkpoint: Checkpoint, hidden: number): EmbeddingTable {
  const info = checkpoint.tensors.get(NAME);
  if (!info) throw new Error(`The checkpoint ${checkpoint.folder} has no tensor "${NAME}".`);
  const rowBytes = info.bytes / info.shape[0]!;
  const kept = new Map<number, Promise<Float32Array>>();
  const row = (id: number): Promise<Float32Array> => {
    let found = kept.get(id);
    if (found) kept.delete(id);
    else
      found = checkpoint.readRange(NAME, id * rowBytes, (id + 1) * rowBytes).then((bytes) => toF32(bytes, info.dtype));
    kept.set(id, found);
    found.catch(() => kept.delete(id));
    if (kept.size > KEPT_ROWS) kept.delete(kept.keys().next().value!);
    return found;
  };
  return {
    async read(ids, target, rows) {
      const values = await Promise.all(ids.map(row));
      values.forEach((value, i) => {
        target.set(value, rows[i]! * hidden);
      });
    },
  };
}

/** Reads rows from memory that somebody else may change between steps. */
export const liveEmbeddings = (table: () => Float32Array, hidden: number): EmbeddingTable => ({
  async read(ids, target, rows) {
    const values = table();
    ids.forEach((id, i) => {
      target.set(values.subarray(id * hidden, (id + 1) * hidden), rows[i]! * hidden);
    });
  },
});
