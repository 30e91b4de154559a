/** @file Smoothing from calibration: how large the outputs of norms get, and the factors that follow from it. */
import { type GraphOutputs, mul, reduceMax, sourceName, type Value } from "../../graph/index.ts";
import {
  type ColumnFactors,
  type SmoothingGroup,
  smoothingScales,
  type TensorReader,
  weightBytes,
} from "../../passes/index.ts";

/** Name of a group's largest squares among the outputs of the probe. */
export const sizeName = ({ norm }: SmoothingGroup): string => `size ${norm[0]}`;

/** The largest square [k] of each column that a group's layers read. */
export function sizeOutputs(groups: readonly SmoothingGroup[]): GraphOutputs {
  const largest = ({ rows }: SmoothingGroup) =>
    reduceMax(
      mul(rows, rows),
      rows.shape.slice(0, -1).map((_, axis) => axis),
    );
  return Object.fromEntries(groups.map((group) => [sizeName(group), largest(group)]));
}

/** max|W| of each column over several weights [n_i, k]. */
async function columnSizes(layers: readonly Value[], k: number, reader: TensorReader): Promise<Float32Array> {
  const largest = new Float32Array(k);
  for (const layer of layers) {
    let column = 0;
    for await (const { buffer, byteOffset, byteLength } of weightBytes(layer, reader))
      for (const value of new Float32Array(buffer, byteOffset, byteLength / 4)) {
        largest[column] = Math.max(largest[column]!, Math.abs(value));
        column = column + 1 === k ? 0 : column + 1;
      }
  }
  return largest;
}

/**
 * Factors of tensors that leave the model's function as it is and make what its int8 layers read easier to round: a norm's
 * gain and bias are divided by `smoothingScales`, the columns of all its layers multiplied (Xiao et al., SmoothQuant, arXiv
 * 2211.10438).
 * @param squares largest square [k] of each column of each group's rows
 * @param strength α, the share of an activation's size that moves into the weights
 */
export async function smoothingFactors(
  groups: ReadonlyMap<SmoothingGroup, Float32Array>,
  reader: TensorReader,
  strength: number,
): Promise<ColumnFactors> {
  const factors = new Map<string, Float32Array>();
  for (const [{ norm, layers, k }, squares] of groups) {
    const scales = smoothingScales(squares.map(Math.sqrt), await columnSizes(layers, k, reader), k, strength);
    for (const name of norm)
      factors.set(
        name,
        scales.map((s) => 1 / s),
      );
    for (const layer of layers) factors.set(sourceName(layer), scales);
  }
  return factors;
}
