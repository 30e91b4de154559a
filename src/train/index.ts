/** @file The training room's door: supervised fine-tuning, GRPO, and the parts they are made of. */

export { Random } from "../common/index.ts";
export { alone, type Communicator, openRanks, RanksError } from "../ranks/index.ts";
export { createTensor, type Tensor } from "../runtime/index.ts";
export {
  advantages,
  combineRewards,
  normalizeThenSum,
  type Reward,
  type ScaleRewards,
  zeroVarianceShare,
} from "./advantages.ts";
export { AnswerLosses } from "./answer-losses.ts";
export {
  type AuxiliaryContext,
  type AuxiliaryLoss,
  type OpenAuxiliaryLoss,
  openAuxiliaryLosses,
  type TermValues,
  type WeightedLoss,
} from "./auxiliary-loss.ts";
export type { CheckRow } from "./check/compare.ts";
export { checkTable } from "./check/table.ts";
export { type CheckOptions, checkTraining } from "./check.ts";
export type { Batch, BatchShape } from "./data/batches.ts";
export type { DataSource, DpoData, GrpoData, OpenSource, SftData, SourceContext } from "./data/data-source.ts";
export { type FilePromptsOptions, openPrompts, type PromptRow, promptOf, promptTask } from "./data/file-prompts.ts";
export { ConversationFile, type FileSequencesOptions } from "./data/file-sequences.ts";
export { packBestFit } from "./data/pack.ts";
export { encodePair, openPairs, type PairSequence } from "./data/pairs.ts";
export { conversationSize, encodeSample, readSampleContext, type SampleContext } from "./data/sample-context.ts";
export { type Encoded, type Sequence, toSequence } from "./data/sequence.ts";
export { BadRowError, type DroppedRow, ShuffledRows, type ShuffledRowsOptions } from "./data/shuffled-rows.ts";
export { type DpoOptions, trainDpo } from "./dpo.ts";
export { type GrpoOptions, trainGrpo } from "./grpo.ts";
export { initialize } from "./initialize.ts";
export { TrainingInputError } from "./input-error.ts";
export { type MergeOptions, mergeAdapter } from "./lora/merge-adapter.ts";
export { type PolicyLossInputs, type PolicyLossOptions, policyLoss } from "./loss/policy-loss.ts";
export { type PreferenceInputs, preferenceLoss } from "./loss/preference-loss.ts";
export { PREFERENCE_LOSSES, type PreferenceOptions } from "./loss/preference-terms.ts";
export {
  lengthWeights,
  type PreferenceMetrics,
  type PreferenceStep,
  type PreferenceStepOptions,
  preferenceStep,
  type ScoredAnswer,
  type ScoredPair,
} from "./loss/preference-weights.ts";
export { type TokenMeasure, tokenLogProbs } from "./loss/token-log-probs.ts";
export { type Aggregation, type LossType, tokenWeights } from "./loss/token-weights.ts";
export { nativeTraining, usedPrecision } from "./native-training.ts";
export type { Resolve, UserOptions } from "./open-module.ts";
export { type AdamWOptions, adamw, type Moments, newMoments } from "./optim/adamw.ts";
export { clipFactor, globalNorm } from "./optim/clip.ts";
export { Optimizer } from "./optim/optimizer.ts";
export { type ScheduleOptions, scheduleFactor } from "./optim/schedule.ts";
export { loadParameters, type Parameter, ParameterStore, usedParameters } from "./parameter-store.ts";
export { filesToPush, type PushPlan } from "./push/files-to-push.ts";
export { type CardOptions, modelCard } from "./push/model-card.ts";
export { runOf, type TrainedRun } from "./push/run-of.ts";
export { type DataLook, draftRecipe, lookAtData } from "./recipe/draft-recipe.ts";
export { type DataMeasures, defaultRate, fillDpo, fillGrpo, fillSft } from "./recipe/fill-recipe.ts";
export { keysOf, type RecipeKey, recipeJsonSchema } from "./recipe/key-table.ts";
export { parseRecipe, readRecipe, readYaml, resolverOf } from "./recipe/read-recipe.ts";
export {
  commonKeys,
  type DpoKeys,
  type DpoRecipe,
  type GrpoKeys,
  type GrpoRecipe,
  type Recipe,
  resolvedSchedule,
  reward,
  type SftKeys,
  type SftRecipe,
} from "./recipe/schema.ts";
export { repeatedOrder } from "./repeated-order.ts";
export {
  type Completion,
  loadRewards,
  type NamedReward,
  type RewardFunction,
  type RewardSpec,
  scoreAll,
} from "./rewards.ts";
export { openRunFolder, type RunOptions, withRunLock } from "./run/run-folder.ts";
export {
  checkpointsOf,
  loadTrainingState,
  newestCheckpoint,
  saveCheckpoint,
  TRAINING_STATE_FILE,
} from "./run/training-state.ts";
export { defaultRun, type RunRecipeOptions, type RunResult, runRecipe } from "./run-recipe.ts";
export { type SftOptions, type SftResult, trainSft } from "./sft.ts";
export { type SftShape, sftGraph } from "./sft-graph.ts";
export { createStepSession, type StepGraph, StepSession, type TrainingRuntime } from "./step-session.ts";
export { type Chart, type Curve, chartsOf } from "./watch/curves.ts";
export { type MetricsRow, plannedSteps, readMetrics } from "./watch/read-metrics.ts";
export { chartSvg, runReport } from "./watch/report.ts";
export { drawFrame, type Frame, type WatchOptions, watchRun } from "./watch/watch-run.ts";
