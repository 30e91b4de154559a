/** @file What a thread is asked about rows, texts and pixels, and what it answers. */

import type { RgbImage } from "../../processor/index.ts";
import type { Bands } from "../near/min-hash.ts";
import type { ComputedColumn } from "./columns.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** How texts are compared: runs of `words` units, in bands. */
export interface TextSignature extends Bands {
  readonly words: number;
}

/** Runs of `words` units that are looked up: see `HashTable`. */
export interface RunLookup {
  readonly words: number;
  readonly table: SharedArrayBuffer;
}

export interface RowsJob {
  readonly type: "rows";
  /** Lines of JSON, or rows of Parquet. */
  readonly rows: readonly unknown[];
  /** What paths of pictures are relative to. */
  readonly folder: string;
  /** What rows without a question ask. */
  readonly question?: string;
  /** Folder or name of the model that counts tokens. */
  readonly model?: string;
  readonly columns: readonly ComputedColumn[];
  readonly text?: TextSignature;
  readonly lookup?: RunLookup;
}
export interface TextsJob {
  readonly type: "texts";
  readonly texts: readonly (string | null)[];
  readonly text: TextSignature;
}
export interface PixelsJob {
  readonly type: "pixels";
  readonly image: RgbImage;
}
export type Job = RowsJob | TextsJob | PixelsJob;

export interface Signature {
  readonly shingles: Uint32Array;
  readonly keys: Uint32Array;
}

/** What a row says without its pictures being decoded. */
export interface RowFacts {
  readonly values: Partial<Record<ComputedColumn, string | number>>;
  /** Paths, URLs or encoded bytes. */
  readonly pictures: readonly (string | Uint8Array)[];
  readonly signature?: Signature;
  /** Runs of the user's turns that are in the table, by their number there. */
  readonly found?: readonly number[];
}

export interface JobResults {
  readonly rows: readonly RowFacts[];
  readonly texts: readonly (Signature | null)[];
  readonly pixels: Fingerprint;
}
