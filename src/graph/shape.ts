/** @file Shapes with known and named dimensions, and the arithmetic that ops share on them. */

/** A known size, or the name of a size that is known only when the graph runs ("batch"). */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** Text form used in every error: `[batch, seq, 64]`. */
export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`;

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

/** True when every dimension is a number. */
export const isStatic = (shape: Shape): shape is readonly number[] => shape.every((d) => typeof d === "number");

/** Number of elements of a static shape. @throws RangeError when a dimension is only named. */
export function elementCount(shape: Shape): number {
  if (!isStatic(shape)) throw new RangeError(`the size of ${showShape(shape)} is known only at run time`);
  return shape.reduce((n, d) => n * d, 1);
}

/** `axis` counted from the front; negative axes count from the back. @throws RangeError outside the rank. */
export function normalizeAxis(axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || a < 0 || a >= rank)
    throw new RangeError(`axis ${axis} is outside a tensor of rank ${rank}`);
  return a;
}

/**
 * The common shape of two operands by NumPy's broadcasting rules; a named dimension matches itself and 1.
 * @throws RangeError when two dimensions differ and neither is 1
 * @example broadcastShapes(["batch", 1, 8], [4, 8]) // ["batch", 4, 8]
 */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw new RangeError(`${showShape(a)} and ${showShape(b)} cannot be broadcast together: ${x} is not ${y}`);
  });
}

/** The axes along which a tensor of shape `from` was repeated to reach `to`, and whether leading axes were added. */
export function broadcastAxes(from: Shape, to: Shape): { added: number[]; stretched: number[] } {
  const lead = to.length - from.length;
  const added = Array.from({ length: lead }, (_, i) => i);
  const stretched = from.flatMap((d, i) => (d === 1 && to[lead + i] !== 1 ? [lead + i] : []));
  return { added, stretched };
}

/** `shape` with 1 at `axes`: what a reduction that keeps its dimensions returns. */
export const reshapeWithOnes = (shape: Shape, axes: readonly number[]): Shape =>
  shape.map((d, i) => (axes.includes(i) ? 1 : d));
