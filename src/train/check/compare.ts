/** @file How far found numbers are from reference numbers, and where a comparison would only compare rounding noise. */

export interface CheckRow {
  readonly kind: "loss" | "gradient" | "weight";
  readonly name: string;
  /** Largest difference: relative for losses and gradients, absolute for weights. */
  readonly difference: number;
  readonly tolerance: number;
  readonly ok: boolean;
  readonly note?: string;
}

/** Relative, of a loss. */
export const LOSS_TOLERANCE = 1e-5;
/** Of a gradient tensor: largest difference divided by the tensor's largest element. */
export const GRADIENT_TOLERANCE = 1e-4;
/** Absolute, of a weight after the updates. */
export const WEIGHT_TOLERANCE = 1e-5;

/**
 * A gradient tensor whose largest element is below this share of the largest element of all gradients is zero in exact
 * arithmetic: such as the tower's key biases, since softmax does not see a shift of all keys. Both sides hold rounding
 * noise there, which has no digits in common. So only the absolute difference is judged, against the same floor.
 */
export const ZERO_TENSOR_SHARE = 1e-6;

/**
 * AdamW divides a gradient by its own size, so an element's first update is ±rate whatever that size is, and its weight is
 * only as exact as its gradient is in relative terms. Float32 sums leave an error of about 1e-6 of the tensor's largest
 * element in every element; an element smaller than this share of it has too few digits for its weight to be compared. Its
 * gradient is compared all the same.
 */
export const NOISE_SHARE = 1e-4;

const largest = (xs: Float32Array): number => xs.reduce((m, x) => Math.max(m, Math.abs(x)), 0);

/** Largest |a - b|; NaN or a missing element counts as infinite. */
function largestDifference(a: Float32Array, b: Float32Array, counts: (i: number) => boolean = () => true): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < b.length; i++) {
    if (!counts(i)) continue;
    const d = Math.abs(a[i]! - b[i]!);
    if (!(d <= worst)) worst = Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
  }
  return worst;
}

const row = (kind: CheckRow["kind"], name: string, difference: number, tolerance: number, note?: string): CheckRow => ({
  kind,
  name,
  difference,
  tolerance,
  ok: difference <= tolerance,
  note,
});

export const compareLoss = (name: string, found: number, expected: number): CheckRow =>
  row("loss", name, Math.abs(found - expected) / Math.abs(expected), LOSS_TOLERANCE);

/** @param scale largest element of all reference gradients */
export function compareGradient(
  name: string,
  found: Float32Array | undefined,
  expected: Float32Array,
  scale: number,
): CheckRow {
  const own = largest(expected);
  const difference = found ? largestDifference(found, expected) : Number.POSITIVE_INFINITY;
  const note = found ? undefined : "missing";
  if (own < ZERO_TENSOR_SHARE * scale)
    return row("gradient", name, difference, ZERO_TENSOR_SHARE * scale, note ?? "zero but for noise: absolute");
  return row("gradient", name, difference / own, GRADIENT_TOLERANCE, note);
}

/** @param gradient the reference gradient of the first step, which says which elements are noise */
export function compareWeight(
  name: string,
  found: Float32Array | undefined,
  expected: Float32Array,
  gradient: Float32Array | undefined,
  scale: number,
): CheckRow {
  if (!found) return row("weight", name, Number.POSITIVE_INFINITY, WEIGHT_TOLERANCE, "missing");
  const own = gradient ? largest(gradient) : 0;
  const isZeroTensor = gradient !== undefined && own < ZERO_TENSOR_SHARE * scale;
  const floor = NOISE_SHARE * own;
  // Exact zeros (rows of tokens that do not occur) stay exact: only decay moves them.
  const isNoise = (i: number) =>
    gradient !== undefined && (isZeroTensor || (gradient[i] !== 0 && Math.abs(gradient[i]!) < floor));
  const left = gradient?.reduce((n, _, i) => n + Number(isNoise(i)), 0) ?? 0;
  const difference = largestDifference(found, expected, (i) => !isNoise(i));
  return row(
    "weight",
    name,
    difference,
    WEIGHT_TOLERANCE,
    left ? `${left} of ${expected.length} are noise` : undefined,
  );
}

/** A gradient tensor with the reference's elements in place of those that are rounding noise. */
export function settleNoise(found: Float32Array, reference: Float32Array | undefined): Float32Array {
  if (!reference) return found;
  const floor = NOISE_SHARE * largest(reference);
  return found.map((value, i) => (Math.abs(reference[i]!) < floor ? reference[i]! : value));
}

/** Largest element of all tensors. */
export const largestOfAll = (tensors: ReadonlyMap<string, Float32Array>): number =>
  Math.max(...[...tensors.values()].map(largest));
