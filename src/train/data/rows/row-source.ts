/** @file A data file as rows by number, whatever its format. */

/** An open data file. */
export interface RowSource {
  /** The file as it was named. */
  readonly path: string;
  readonly length: number;
  /** Where row `i` stands, for errors: "data.jsonl:12". */
  place(i: number): string;
  /** What paths of pictures in row `i` are relative to. */
  folder(i: number): string;
  /** Row `i`, parsed. @throws Error when it cannot be read */
  row(i: number): Promise<unknown>;
  close(): Promise<void>;
}

/** Several files as one, their rows one after the other. */
export function joinedRows(path: string, sources: readonly RowSource[]): RowSource {
  if (sources.length === 1) return sources[0]!;
  const starts: number[] = [];
  let length = 0;
  for (const source of sources) {
    starts.push(length);
    length += source.length;
  }
  /** The file that row `i` is in, and its number there. */
  const find = (i: number): [RowSource, number] => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (starts[middle]! <= i) low = middle;
      else high = middle - 1;
    }
    return [sources[low]!, i - starts[low]!];
  };
  return {
    path,
    length,
    place(i) {
      const [source, own] = find(i);
      return source.place(own);
    },
    folder(i) {
      const [source, own] = find(i);
      return source.folder(own);
    },
    row(i) {
      const [source, own] = find(i);
      return source.row(own);
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

/** Rows that are in memory. @param what how places are called: "row" */
export const rowsInMemory = (path: string, folder: string, rows: readonly unknown[], what = "row"): RowSource => ({
  path,
  length: rows.length,
  place: (i) => `${path}, ${what} ${i + 1}`,
  folder: () => folder,
  row: async (i) => rows[i],
  close: async () => {},
});
