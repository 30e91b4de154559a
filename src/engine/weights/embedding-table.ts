/** @file Token embeddings, looked up row by row. */

/** Where embedding rows come from. */
export interface EmbeddingTable {
  /** Writes the embedding of `ids[i]` to `target` at row `rows[i]` ([..., hidden]). */
  read(ids: readonly number[], target: Float32Array, rows: readonly number[]): Promise<void>;
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

/** Rows kept in memory: common tokens come again and again. 4096 rows of the published model are 24 MiB. */
const KEPT_ROWS = 4096;

/** Reads single rows from wherever they lie: the table is never in memory as a whole. */
export function storedEmbeddings(readRow: (id: number) => Promise<Float32Array>, hidden: number): EmbeddingTable {
  const kept = new Map<number, Promise<Float32Array>>();
  const row = (id: number): Promise<Float32Array> => {
    let found = kept.get(id);
    if (found) kept.delete(id);
    else found = readRow(id);
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
