/** @file How token losses are averaged: every published aggregation is only another weight for each token. */

export type LossType = "grpo" | "bnpo" | "dr_grpo" | "dapo" | "cispo" | "sapo";

export interface Aggregation {
  readonly lossType: LossType;
  /** Micro-batches per optimiser step. */
  readonly gradAccum: number;
  /** Micro-batches per generation batch. */
  readonly stepsPerGeneration: number;
  readonly maxCompletionLength: number;
  /** Counted tokens of the whole generation batch; dapo and cispo divide by it. */
  readonly generationTokens: number;
}

/**
 * Weight of each token's loss in one micro-batch, as TRL 1.13 aggregates:
 * grpo (and sapo): 1/(rows · counted tokens of its row) · bnpo: 1/(counted tokens of the micro-batch) ·
 * dr_grpo: 1/(rows · maxCompletionLength), each divided by gradAccum ·
 * dapo (and cispo): stepsPerGeneration/(gradAccum · counted tokens of the generation batch).
 * @param mask per row: 1 for tokens that count
 * @returns weights of the same form; 0 where the mask is 0
 */
export function tokenWeights(mask: readonly (readonly number[])[], a: Aggregation): number[][] {
  const lengths = mask.map((row) => row.reduce((n, m) => n + m, 0));
  const counted = Math.max(
    1,
    lengths.reduce((n, l) => n + l, 0),
  );
  const weightOfRow = (row: number): number => {
    switch (a.lossType) {
      case "grpo":
      case "sapo":
        return 1 / (mask.length * Math.max(1, lengths[row]!) * a.gradAccum);
      case "bnpo":
        return 1 / (counted * a.gradAccum);
      case "dr_grpo":
        return 1 / (mask.length * a.maxCompletionLength * a.gradAccum);
      case "dapo":
      case "cispo":
        return a.stepsPerGeneration / (Math.max(1, a.generationTokens) * a.gradAccum);
    }
  };
  return mask.map((row, i) => row.map((m) => m * weightOfRow(i)));
}
