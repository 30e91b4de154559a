/** @file Format rewards: does the answer show its thinking in the tags that were asked for. */

/**
 * 1 if the text begins with one `<think>…</think>`, else 0; anything may follow. TRL's `think_format_reward`.
 * @example thinkFormatReward("<think>a</think> so 4") // 1
 */
export function thinkFormatReward(text: string): number {
  return /^<think>(?![\s\S]*<think>)[\s\S]*?<\/think>/.test(text) ? 1 : 0;
}

/**
 * 1 if the whole text is `<think>…</think>`, white space, `<answer>…</answer>`, else 0. VLM-R1's and EasyR1's format reward.
 * @example thinkAnswerFormatReward("<think>a</think><answer>4</answer>") // 1
 */
export function thinkAnswerFormatReward(text: string): number {
  // Python's fullmatch: nothing may follow, not even a final newline.
  return /^<think>[\s\S]*?<\/think>\s*<answer>[\s\S]*?<\/answer>(?![\s\S])/.test(text) ? 1 : 0;
}
