/** @file The lesson that teaches finding: where a name stands in the text, one attention head looks at what it names. */

import {
  add,
  gather,
  input,
  logSoftmax,
  matmul,
  mul,
  neg,
  reduceSum,
  reshape,
  scalar,
  scoped,
  slice,
  type Value,
} from "flashvl/graph";
import type { DecoderConfig, SequenceShape } from "flashvl/model";
import type { Batch, OpenAuxiliaryLoss, Tensor, TermValues } from "flashvl/train";
import { z } from "zod";
import { extrasOf } from "./extras.ts";

/** Names that a row has room for. */
const NAMES_PER_ROW = 64;
/** Added to the score of what a token can't see: far below any real score. */
const HIDDEN = -1e9;

/** Where the head looks when the picture does not show what is named: the first token, which says nothing else. */
const NOWHERE = 0;

/**
 * -Σ target·log(attention) of one head over chosen tokens: supervised attention (Liu et al. 2016, "Neural Machine
 * Translation with Supervised Attention"). Without it a small decoder with one key head stayed at guessing for
 * thousands of steps; see recipes/tiny/NOTES.md.
 * Inputs it adds: `point_rows` int64 [rows, 64] (index of the token within all rows), `point_mask` and `point_targets`
 * float32 [rows, 64, length].
 */
export function pointingLoss(
  c: DecoderConfig,
  shape: SequenceShape,
  { q, k }: TermValues["layers"][number],
  head: number,
): Value {
  return scoped("pointing", () => {
    const { rows, length } = shape;
    const { headDim: dim } = c;
    const at = input("point_rows", "int64", [rows, NAMES_PER_ROW]);
    const places = [rows, NAMES_PER_ROW, length];
    const [mask, targets] = [input("point_mask", "float32", places), input("point_targets", "float32", places)];
    const kvHead = Math.floor(head / (c.heads / c.kvHeads));
    const queries = reshape(slice(q, 2, head * dim, (head + 1) * dim), [rows * length, dim]);
    const keys = slice(k, 2, kvHead * dim, (kvHead + 1) * dim); // [rows, length, dim]
    const scores = matmul(mul(gather(queries, at), scalar(1 / Math.sqrt(dim))), keys, false, true); // [rows, 64, length]
    return neg(reduceSum(mul(logSoftmax(add(scores, mask)), targets), [0, 1, 2]));
  });
}

/** Fills the inputs for a batch; targets sum to `total`. Names that find no room in their row are left out. */
export function fillPointers(
  inputs: ReadonlyMap<string, Tensor>,
  batch: Batch,
  { length }: SequenceShape,
  total: number,
): void {
  const rows = (inputs.get("point_rows")!.data as BigInt64Array).fill(0n);
  const mask = (inputs.get("point_mask")!.data as Float32Array).fill(0);
  const targets = (inputs.get("point_targets")!.data as Float32Array).fill(0);
  let names = 0;
  batch.rows.forEach((samples, row) => {
    let [begin, name] = [row * length, row * NAMES_PER_ROW];
    for (const sample of samples) {
      const slots = sample.ids.flatMap((id, i) => (id < 0 ? [i] : []));
      for (const { at, tokens } of extrasOf(sample).pointers ?? []) {
        if (name === (row + 1) * NAMES_PER_ROW) break;
        rows[name] = BigInt(begin + at);
        const line = name * length;
        mask.fill(HIDDEN, line, line + length);
        const offset = line + begin - row * length;
        for (let i = 0; i <= at; i++) {
          const branch = sample.branches[i]!;
          if (branch === 0 || branch === sample.branches[at]) mask[offset + i] = 0;
        }
        const sum = tokens.reduce((n, { weight }) => n + weight, 0);
        for (const { token, weight } of tokens) targets[offset + slots[token]!] = weight / sum;
        if (tokens.length === 0) targets[offset + NOWHERE] = 1;
        name++;
        names++;
      }
      begin += sample.ids.length;
    }
  });
  if (names > 0) for (let i = 0; i < targets.length; i++) targets[i]! *= total / names;
}

const place = z.strictObject({ layer: z.number().int().nonnegative(), head: z.number().int().nonnegative() });

/** Options: `layer` and `head`, counted from 0. */
const open: OpenAuxiliaryLoss = (options, { config, shape }) => {
  const { layer, head } = place.parse(options);
  const { layers, heads } = config.decoder;
  if (layer >= layers || head >= heads)
    throw new RangeError(
      `The options name head ${head} of layer ${layer}; expected head 0 to ${heads - 1} of layer 0 to ${layers - 1}.`,
    );
  return {
    name: "pointing",
    term: (values) => pointingLoss(config.decoder, shape, values.layers[layer]!, head),
    fill: (inputs, batch, total) => fillPointers(inputs, batch, shape, total),
  };
};
export default open;
