/** @file A reward function of the user's own: 1 for an answer as long as the row's "letters" says, less the more it differs. */

/** @type {import("flashvl/train").RewardFunction<import("flashvl/train").PromptRow>} */
export default function shortAnswer({ text, row }) {
  const { letters } = row.columns;
  if (typeof letters !== "number") return null; // nothing to say about this row
  return 1 / (1 + Math.abs(text.trim().length - letters));
}
