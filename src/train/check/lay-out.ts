/** @file The same samples laid out in different ways, none of which may change a gradient. */

import type { Batch } from "../data/batches.ts";
import { type Sequence, windowsOf } from "../data/sequence.ts";
import type { SftShape } from "../sft-graph.ts";

export interface Layout {
  /** All samples of a batch in one row instead of one row each. */
  readonly packing?: boolean;
  /** One sample per run, gradients summed, instead of all in one run. */
  readonly accumulate?: boolean;
  /** Empty places beyond what the samples need: tokens, rows, pictures and labels. */
  readonly padding?: boolean;
}

const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

/** The batches of one update and the fixed shape that they fit. */
export function layOut(samples: readonly Sequence[], layout: Layout): { shape: SftShape; batches: Batch[] } {
  const groups = layout.accumulate ? samples.map((s) => [s]) : [samples];
  const batches = groups.map(
    (group): Batch => ({
      rows: layout.packing ? [group] : group.map((s) => [s]),
      cursor: 0,
      trainedTokens: sum(group.map((s) => s.targets.length)),
    }),
  );
  const extra = (n: number) => (layout.padding ? n : 0);
  const most = (of: (b: Batch) => number) => Math.max(...batches.map(of));
  const pictures = (b: Batch) => sum(b.rows.flat().map((s) => windowsOf(s)));
  // Two chunks of the LM head, so that chunking is part of what is compared.
  const headChunk = Math.ceil((most((b) => b.trainedTokens) + extra(5)) / 2);
  return {
    batches,
    shape: {
      images: Math.max(1, most(pictures)) + extra(1),
      rows: most((b) => b.rows.length) + extra(1),
      length: most((b) => Math.max(...b.rows.map((row) => sum(row.map((s) => s.ids.length))))) + extra(7),
      labels: 2 * headChunk,
      headChunk,
    },
  };
}
