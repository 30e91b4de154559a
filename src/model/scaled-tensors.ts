/** @file A checkpoint's tensors with some of their columns multiplied, as they are read. */
import { toFloat32 } from "./to-float32.ts";
import type { TensorReader } from "./weight-bytes.ts";

/** A factor per column (last axis) of tensors, by the tensor's name. */
export type ColumnFactors = ReadonlyMap<string, Float32Array>;

const FLOAT_BYTES = 4;

/**
 * The same tensors; those with factors read as float32, each number times the factor of its column.
 * @example scaledTensors(reader, new Map([["norm.weight", Float32Array.of(1, 0.5)]]))
 */
export function scaledTensors(reader: TensorReader, factors: ColumnFactors): TensorReader {
  return {
    info(name) {
      const info = reader.info(name);
      return factors.has(name) ? { dtype: "F32", shape: info.shape } : info;
    },
    async readRange(name, start, end) {
      const factor = factors.get(name);
      if (!factor) return reader.readRange(name, start, end);
      const { dtype } = reader.info(name);
      const size = dtype === "F32" ? 4 : 2;
      const first = start / FLOAT_BYTES;
      const stored = await reader.readRange(name, first * size, (end / FLOAT_BYTES) * size);
      const values = toFloat32(stored, dtype).map((v, i) => v * factor[(first + i) % factor.length]!);
      return new Uint8Array(values.buffer);
    },
  };
}
