/** @file Door of the engine: opens FlashVL checkpoints and answers with them. */
export {
  type AccuracyPrompt,
  accuracyModel,
  type BudgetResult,
  calibrate,
  type LayerError,
  meetBudget,
  openAccuracyJudge,
  type PresetAccuracy,
  samplePrompts,
} from "./accuracy/index.ts";
export {
  availableKernels,
  type Calibration,
  type CompiledEntry,
  type CompiledModel,
  type CompiledState,
  checkOverrides,
  compileCacheFolder,
  compileCheckpoint,
  type LayerOverrides,
  listCompiled,
  PRESET_NAMES,
  type Preset,
  presetGraphs,
  pruneCompiled,
} from "./compile/index.ts";
export { SchemaError, type SchemaInput } from "./constraint/index.ts";
export { defaultModelFolder } from "./default-model.ts";
export { FlashVL, type ManyRequest, type ModelInfo, type ModelStats } from "./flashvl.ts";
export type {
  FinishReason,
  GenerateOptions,
  GenerateResult,
  StreamPart,
  Timings,
  TokenPart,
  Usage,
} from "./generate/index.ts";
export type { AttentionMap } from "./look.ts";
export type { OpenOptions, OpenProgress } from "./open-options.ts";
export { ContextOverflowError, type Images } from "./plan-request.ts";
export * from "./runtime/index.ts";
export type { LogitsProcessor, SamplingOptions, TokenLogprob } from "./sampling/index.ts";
export { NoTokenError, type Random, randomFromState, seededRandom } from "./sampling/index.ts";
export { type PromptLookupOptions, QueueFullError } from "./schedule/index.ts";
export type { WeightMap } from "./weights/index.ts";
