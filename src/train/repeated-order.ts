/** @file The order in which GRPO visits prompts. */

/**
 * Blocks of `promptsPerBatch` prompts, each prompt `numGenerations` times in a row, each block `repeats` times (updates per
 * generation batch); a last, smaller block is dropped. The order of TRL's RepeatSampler.
 * @example repeatedOrder([0, 1], { numGenerations: 2, promptsPerBatch: 2, repeats: 1 }) // [0, 0, 1, 1]
 */
export function repeatedOrder(
  prompts: readonly number[],
  { numGenerations, promptsPerBatch, repeats }: { numGenerations: number; promptsPerBatch: number; repeats: number },
): number[] {
  const blocks = Math.floor(prompts.length / promptsPerBatch);
  return Array.from({ length: blocks }, (_, b) => {
    const block = prompts.slice(b * promptsPerBatch, (b + 1) * promptsPerBatch);
    const once = block.flatMap((p) => Array<number>(numGenerations).fill(p));
    return Array.from({ length: repeats }, () => once).flat();
  }).flat();
}
