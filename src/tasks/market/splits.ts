/** @file Which seeds belong to training and which to the fixed test sets, so that no test picture can be trained on. */

/** What a picture is for; art and fonts kept out of training appear only in the two held-out splits. */
export type Split = "train" | "test" | "held-out-fonts" | "held-out-art";

/** First seed and number of seeds of each split. The ranges do not overlap. */
export const seedRanges: Readonly<Record<Split, { first: number; count: number }>> = {
  train: { first: 0, count: 2 ** 30 },
  test: { first: 2 ** 30, count: 2 ** 20 },
  "held-out-fonts": { first: 2 ** 30 + 2 ** 20, count: 2 ** 20 },
  "held-out-art": { first: 2 ** 30 + 2 ** 21, count: 2 ** 20 },
};

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
