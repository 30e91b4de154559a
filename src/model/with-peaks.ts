/** @file Lets a decoder step tell where its largest logits are, so that the likeliest token is found without reading them all. */

import { blockMaxima, concat, reduceMax, reshape, slice, type Value } from "../graph/index.ts";
import type { GraphOutputs } from "./inference-graphs.ts";
import type { Kernels } from "./quantize/scheme.ts";

/** Neighbouring logits of which the largest is told. */
export const PEAK_BLOCK = 1024;

/** Adds output `peaks` [rows, vocabulary / 1024, rounded up]: the largest of every 1024 logits of a row. */
export const withPeaks = (outputs: GraphOutputs, kernels: Kernels): GraphOutputs => ({
  ...outputs,
  peaks: kernels === "native" ? blockMaxima(outputs.logits!, PEAK_BLOCK) : plainMaxima(outputs.logits!),
});

/** The largest of every whole stretch, and of what is left. */
function plainMaxima(logits: Value): Value {
  const [rows, vocabulary] = logits.shape as [string, number];
  const stretches = Math.floor(vocabulary / PEAK_BLOCK);
  const whole = stretches * PEAK_BLOCK;
  const parts: Value[] = [];
  if (whole > 0) {
    const first = whole === vocabulary ? logits : slice(logits, 1, 0, whole);
    parts.push(reduceMax(reshape(first, [rows, stretches, PEAK_BLOCK]), [2]));
  }
  if (whole < vocabulary) parts.push(reduceMax(slice(logits, 1, whole, vocabulary), [1], true));
  return concat(parts, 1);
}
