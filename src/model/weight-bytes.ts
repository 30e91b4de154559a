/** @file From a checkpoint's tensors to the bytes of a graph's weights, a chunk at a time. */

import { elementCount, showShape, sourceName, type Value } from "../graph/index.ts";
import { type RopeRecipe, ropeTable } from "./rope.ts";

/** What this file needs of a checkpoint; `hub`'s Checkpoint has it. */
export interface TensorReader {
  info(name: string): { readonly dtype: string; readonly shape: readonly number[] };
  /** Bytes `start` to `end` of the tensor's data. */
  readRange(name: string, start: number, end: number): Promise<Uint8Array>;
}

export type Recipe = RopeRecipe;

/** Elements per chunk: 16 MiB of float32, so that no tensor is ever whole in memory. */
const CHUNK = 4 << 20;

/** Source bytes as float32. @throws Error on element types that are not floating point */
export function toFloat32(bytes: Uint8Array, dtype: string): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (dtype === "F32") return new Float32Array(aligned.buffer, aligned.byteOffset, bytes.length / 4);
  const half = new Uint16Array(aligned.buffer, aligned.byteOffset, bytes.length / 2);
  const out = new Float32Array(half.length);
  const bits = new Uint32Array(out.buffer);
  if (dtype === "BF16") for (let i = 0; i < half.length; i++) bits[i] = half[i]! << 16;
  else if (dtype === "F16") for (let i = 0; i < half.length; i++) out[i] = halfToFloat(half[i]!);
  else throw new Error(`the element type ${dtype} is not supported: expected BF16, F16 or F32`);
  return out;
}

function halfToFloat(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const exponent = (h >> 10) & 31;
  const fraction = h & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const asBytes = (data: Float32Array): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/**
 * The bytes of one weight in order. Plain weights are the checkpoint's tensor of that name as float32; others follow
 * their recipe.
 * @throws Error when the checkpoint's tensor has another number of elements than the graph expects
 */
export async function* weightBytes(weight: Value, reader: TensorReader): AsyncGenerator<Uint8Array> {
  const recipe = weight.node.attrs.recipe as Recipe | undefined;
  if (recipe?.kind === "rope") {
    const [positions, half] = weight.shape as [number, number];
    yield asBytes(ropeTable(recipe, positions, half));
    return;
  }
  const name = sourceName(weight);
  const { dtype, shape } = reader.info(name);
  const count = elementCount(shape);
  if (count !== elementCount(weight.shape))
    throw new Error(`tensor "${name}" has shape ${showShape(shape)}, the graph expects ${showShape(weight.shape)}`);
  const size = dtype === "F32" ? 4 : 2;
  for (let at = 0; at < count; at += CHUNK) {
    const end = Math.min(count, at + CHUNK);
    yield asBytes(toFloat32(await reader.readRange(name, at * size, end * size), dtype));
  }
}
