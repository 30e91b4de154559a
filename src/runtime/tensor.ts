/** @file Creates tensors over ArrayBuffers that native code can write to. */
import { bytesOf, type DType, viewOf } from "./dtypes.ts";
import type { Tensor } from "./types.ts";

/** V8 keeps very small typed arrays inside its moving heap; an explicit buffer of at least this size has a fixed address. */
const MIN_BUFFER_BYTES = 64;

/** Number of elements; throws when a dimension is not a whole number >= 0. */
export function elementCount(dims: readonly number[]): number {
  let count = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) {
      throw new RangeError(`Tensor dimensions must be whole numbers >= 0; found [${dims.join(", ")}].`);
    }
    count *= dim;
  }
  return count;
}

/**
 * A new tensor filled with zeros.
 * @example const ids = createTensor("int64", [1, 8]); (ids.data as BigInt64Array)[0] = 42n;
 */
export function createTensor(dtype: DType, dims: readonly number[]): Tensor {
  const count = elementCount(dims);
  const buffer = new ArrayBuffer(Math.max(count * bytesOf(dtype), MIN_BUFFER_BYTES));
  return { dtype, dims: [...dims], data: viewOf(dtype, buffer, 0, count) };
}

/**
 * A tensor over memory that the caller owns: nothing is copied, and the caller sees what a run writes.
 * @throws RangeError when the memory is too small or `byteOffset` is not a multiple of the element size.
 * @example const weight = wrapTensor("float32", [64, 64], parameters.buffer, parameters.byteOffset);
 */
export function wrapTensor(dtype: DType, dims: readonly number[], buffer: ArrayBufferLike, byteOffset = 0): Tensor {
  const count = elementCount(dims);
  const bytes = count * bytesOf(dtype);
  if (byteOffset % bytesOf(dtype) !== 0) {
    throw new RangeError(
      `A ${dtype} tensor must start at a multiple of ${bytesOf(dtype)} bytes; found offset ${byteOffset}.`,
    );
  }
  if (byteOffset < 0 || byteOffset + bytes > buffer.byteLength) {
    throw new RangeError(
      `A ${dtype} tensor [${dims.join(", ")}] needs ${bytes} bytes from offset ${byteOffset}; the buffer has ${buffer.byteLength}.`,
    );
  }
  return { dtype, dims: [...dims], data: viewOf(dtype, buffer, byteOffset, count) };
}
