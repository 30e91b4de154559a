/** @file Opens a data file by its extension: TSV, JSONL or Parquet. */
import { openJsonl } from "./jsonl-source.ts";
import { openParquet } from "./parquet-source.ts";
import type { RowSource } from "./row-source.ts";
import { openTsv } from "./tsv-source.ts";

/**
 * @throws if the extension is none of the three, or the file cannot be read as what it says it is; the signal's reason
 * @example const source = await openSource("/data/LMUData/MMStar.tsv");
 */
export async function openSource(path: string, signal?: AbortSignal): Promise<RowSource> {
  if (/\.tsv$/i.test(path)) return openTsv(path, signal);
  if (/\.jsonl$/i.test(path)) return openJsonl(path);
  if (/\.parquet$/i.test(path)) return openParquet(path, signal);
  throw new Error(`${path}: unknown kind of data file; expected .tsv, .jsonl or .parquet.`);
}
