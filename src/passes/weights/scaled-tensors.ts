/** @file What passes need of a checkpoint, and views of it that scale columns or rows of its tensors as they are read. */
import { toF32 } from "../../common/index.ts";

/** The part of `hub`'s Checkpoint that is needed here. */
export interface TensorReader {
  info(name: string): { readonly dtype: string; readonly shape: readonly number[] };
  /** Bytes `start` to `end` of the tensor's data. */
  readRange(name: string, start: number, end: number): Promise<Uint8Array>;
}

/** A factor per column (last axis) of tensors, by the tensor's name. */
export type ColumnFactors = ReadonlyMap<string, Float32Array>;

const FLOAT_BYTES = 4;

/**
 * The same tensors; those with factors read as float32, each number times the factor of its column.
 * @example scaledTensors(reader, new Map([["norm.weight", Float32Array.of(1, 0.5)]]))
 */
export const scaledTensors = (reader: TensorReader, factors: ColumnFactors): TensorReader =>
  scaled(reader, (name) => {
    const factor = factors.get(name);
    return factor && ((at) => factor[at % factor.length]!);
  });

/**
 * The same tensors; `names`, [n_i, ...] one after the other, with each row times its factor.
 * @param factors name of the tensor with a factor for each row
 */
export async function scaledRows(
  reader: TensorReader,
  names: readonly string[],
  factors: string,
): Promise<TensorReader> {
  const { dtype, shape } = reader.info(factors);
  const factor = toF32(await reader.readRange(factors, 0, shape[0]! * (dtype === "F32" ? 4 : 2)), dtype);
  let row = 0;
  const places = new Map(
    names.map((name) => {
      const [rows, ...rest] = reader.info(name).shape;
      const place = { first: row, width: rest.reduce((product, size) => product * size, 1) };
      row += rows!;
      return [name, place];
    }),
  );
  return scaled(reader, (name) => {
    const place = places.get(name);
    return place && ((at) => factor[place.first + Math.floor(at / place.width)]!);
  });
}

/** @param factorOf the factor of each element of a tensor; undefined for tensors that stay as they are */
function scaled(
  reader: TensorReader,
  factorOf: (name: string) => ((element: number) => number) | undefined,
): TensorReader {
  return {
    info(name) {
      const info = reader.info(name);
      return factorOf(name) ? { dtype: "F32", shape: info.shape } : info;
    },
    async readRange(name, start, end) {
      const factor = factorOf(name);
      if (!factor) return reader.readRange(name, start, end);
      const { dtype } = reader.info(name);
      const size = dtype === "F32" ? 4 : 2;
      const first = start / FLOAT_BYTES;
      const stored = await reader.readRange(name, first * size, (end / FLOAT_BYTES) * size);
      const values = toF32(stored, dtype).map((v, i) => v * factor(first + i));
      return new Uint8Array(values.buffer);
    },
  };
}
