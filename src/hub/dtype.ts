/** @file The element types of the safetensors format, in the order and with the sizes that the format gives them. */

/**
 * Bytes of one element, by type name as it stands in a safetensors header. The order is the original library's
 * increasing alignment order (huggingface/safetensors, `Dtype` in safetensors/src/tensor.rs); the writer sorts by it.
 * Types below eight bits are left out: no FlashVL checkpoint holds them, and a clear error beats a wrong size.
 */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

/** An element type, spelt as in a safetensors header. */
export type Dtype = keyof typeof DTYPE_BYTES;

const RANK = new Map(Object.keys(DTYPE_BYTES).map((name, rank) => [name, rank]));

/** True when `name` is an element type that this room reads and writes; safe for names such as `constructor`. */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === "string" && RANK.has(name);
}

/** The place of a type in the format's alignment order: a greater rank is stored earlier in a file. */
export function dtypeRank(dtype: Dtype): number {
  return RANK.get(dtype)!;
}

/**
 * The number of bytes of a tensor, or undefined where the count does not fit a safe integer.
 *
 * @example byteLength("BF16", [151936, 1536]) // 466747392
 */
export function byteLength(dtype: Dtype, shape: readonly number[]): number | undefined {
  // A zero anywhere makes the tensor empty; the other sizes may then not overflow either, as in the original library.
  let elements = 1;
  for (const size of shape) {
    elements *= size;
    if (!Number.isSafeInteger(elements)) return undefined;
  }
  const bytes = elements * DTYPE_BYTES[dtype];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
