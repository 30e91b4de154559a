/** @file Whether a predictions file answers every row of a set. */

/** The mark that VLMEvalKit leaves where a model gave no answer; such a row counts as missing. */
export const FAILED_ANSWER = "Failed to obtain answer";

/**
 * @param predictions index and reply of each row of the file
 * @param retryFailed count failed replies as missing
 * @example isComplete([{ index: "1", prediction: "a" }], ["1", "2"], true) // false
 */
export function isComplete(
  predictions: readonly { index: string; prediction: string }[],
  indices: readonly string[],
  retryFailed: boolean,
): boolean {
  const done = new Set(
    predictions.filter((row) => !retryFailed || !row.prediction.includes(FAILED_ANSWER)).map((row) => row.index),
  );
  return indices.every((index) => done.has(index));
}
