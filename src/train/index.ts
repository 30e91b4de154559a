/** @file The training room's door: supervised fine-tuning, GRPO, and the parts they are made of. */

export {
  advantages,
  combineRewards,
  normalizeThenSum,
  type Reward,
  type ScaleRewards,
  zeroVarianceShare,
} from "./advantages.ts";
export type { CheckRow } from "./check/compare.ts";
export { checkTable } from "./check/table.ts";
export { type CheckOptions, checkTraining } from "./check.ts";
export { type FilePromptsOptions, openPrompts, type PromptRow, promptTask } from "./data/file-prompts.ts";
export { ConversationFile, type FileSequencesOptions } from "./data/file-sequences.ts";
export type { SampleContext } from "./data/market-source.ts";
export { packBestFit } from "./data/pack.ts";
export { readSampleContext } from "./data/sample-context.ts";
export { type Encoded, type Sequence, toSequence } from "./data/sequence.ts";
export { BadRowError, type DroppedRow, ShuffledRows, type ShuffledRowsOptions } from "./data/shuffled-rows.ts";
export { type GrpoOptions, trainGrpo } from "./grpo.ts";
export { TrainingInputError } from "./input-error.ts";
export { type MergeOptions, mergeAdapter } from "./lora/merge-adapter.ts";
export { type PolicyLossInputs, type PolicyLossOptions, policyLoss } from "./loss/policy-loss.ts";
export { tokenLogProbs } from "./loss/token-log-probs.ts";
export { type Aggregation, type LossType, tokenWeights } from "./loss/token-weights.ts";
export { type AdamWOptions, adamw, type Moments, newMoments } from "./optim/adamw.ts";
export { clipFactor, globalNorm } from "./optim/clip.ts";
export { type ScheduleOptions, scheduleFactor } from "./optim/schedule.ts";
export { loadParameters, ParameterStore, usedParameters } from "./parameter-store.ts";
export { type GrpoRecipe, parseRecipe, type Recipe, readRecipe, type SeeRecipe, type SftRecipe } from "./recipe.ts";
export { repeatedOrder } from "./repeated-order.ts";
export { type Completion, loadRewards, type RewardFunction, type RewardSpec } from "./rewards.ts";
export { type RunOptions, runMarketRecipe } from "./run-market.ts";
export { defaultRun, type RunRecipeOptions, type RunResult, runRecipe } from "./run-recipe.ts";
export { type SeeSample, trainToSee } from "./see.ts";
export { type SftOptions, type SftResult, trainSft } from "./sft.ts";
export { type SftShape, sftGraph } from "./sft-graph.ts";
export { createStepSession, StepSession, usedPrecision } from "./step-session.ts";
export { type Chart, type Curve, chartsOf } from "./watch/curves.ts";
export { type MetricsRow, readMetrics } from "./watch/read-metrics.ts";
export { chartSvg, runReport } from "./watch/report.ts";
export { drawFrame, type Frame, type WatchOptions, watchRun } from "./watch/watch-run.ts";
