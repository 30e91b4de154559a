/** @file Lets a decoder step tell where its largest logits are, so that the likeliest token is found without reading them all. */

import { blockMaxima } from "../graph/index.ts";
import type { GraphOutputs } from "./inference-graphs.ts";

/** Neighbouring logits of which the largest is told. */
export const PEAK_BLOCK = 1024;

/** Adds output `peaks` [rows, vocabulary / 1024, rounded up]: the largest of every 1024 logits of a row. Native kernels only. */
export const withPeaks = (outputs: GraphOutputs): GraphOutputs => ({
  ...outputs,
  peaks: blockMaxima(outputs.logits!, PEAK_BLOCK),
});
