/** @file Which seeds belong to training and which to the fixed test sets, so that no test picture can be trained on. */

/**
 * What a picture is for. Art and fonts kept out of training appear only in the held-out splits. The splits of the first
 * world came first; the wide world has more fonts, prices and layouts, and splits of its own.
 */
export type Split =
  | "train"
  | "test"
  | "held-out-fonts"
  | "held-out-art"
  | "wide-test"
  | "wide-fonts"
  | "wide-art"
  | "plain-system"
  | "large-test";

/** First seed and number of seeds of each split. The ranges do not overlap. */
export const seedRanges: Readonly<Record<Split, { first: number; count: number }>> = {
  train: { first: 0, count: 2 ** 30 },
  test: { first: 2 ** 30, count: 2 ** 20 },
  "held-out-fonts": { first: 2 ** 30 + 2 ** 20, count: 2 ** 20 },
  "held-out-art": { first: 2 ** 30 + 2 ** 21, count: 2 ** 20 },
  "wide-test": { first: 2 ** 30 + 2 ** 22, count: 2 ** 20 },
  "wide-fonts": { first: 2 ** 30 + 2 ** 22 + 2 ** 20, count: 2 ** 20 },
  "wide-art": { first: 2 ** 30 + 2 ** 22 + 2 ** 21, count: 2 ** 20 },
  "plain-system": { first: 2 ** 30 + 2 ** 23, count: 2 ** 20 },
  "large-test": { first: 2 ** 30 + 2 ** 23 + 2 ** 20, count: 2 ** 20 },
};

/** How rich the pictures are: the world of the first model, or the one that has ordinary boards in it. */
export type World = "first" | "wide";

export const heldOutFontSplits: ReadonlySet<Split> = new Set<Split>(["held-out-fonts", "wide-fonts", "plain-system"]);
export const heldOutArtSplits: ReadonlySet<Split> = new Set<Split>(["held-out-art", "wide-art", "plain-system"]);
const wideSplits: ReadonlySet<Split> = new Set<Split>([
  "wide-test",
  "wide-fonts",
  "wide-art",
  "plain-system",
  "large-test",
]);

/** The world of a split's pictures; training draws from either. */
export const worldOf = (split: Split, asked: World = "first"): World => (wideSplits.has(split) ? "wide" : asked);

/**
 * Throws unless the seed belongs to the split.
 * @throws RangeError naming the range that the split owns
 */
export function checkSeed(seed: number, split: Split): void {
  const range = seedRanges[split];
  if (!range) throw new RangeError(`Unknown split "${split}"; the splits are ${Object.keys(seedRanges).join(", ")}.`);
  if (!Number.isInteger(seed) || seed < range.first || seed >= range.first + range.count) {
    throw new RangeError(
      `Seed ${seed} does not belong to split "${split}", which owns ${range.first} to ${range.first + range.count - 1}. ` +
        "Use a seed of that range, so that test pictures stay out of training.",
    );
  }
}
