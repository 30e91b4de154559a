/** @file Door of compiling: from a checkpoint to graph files in the cache, and what a precision does to the answers. */
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
export { compileCacheFolder, writableCacheFolder } from "./cache-folder.ts";
export { checkpointEmbeddings } from "./checkpoint-embeddings.ts";
export { writeChoices } from "./choices.ts";
export { type Calibration, type CompiledModel, type CompileOptions, compileCheckpoint } from "./compile-checkpoint.ts";
export { type CompiledEntry, type CompiledState, listCompiled, pruneCompiled } from "./compiled-cache.ts";
export { type ExportedModel, type ExportOptions, exportWeb } from "./export-web.ts";
export { loadParameters } from "./load-parameters.ts";
export { PACKAGE_VERSION } from "./manifest.ts";
export { openCompiled } from "./open-compiled.ts";
export {
  availableKernels,
  checkOverrides,
  defaultPreset,
  kernelsLibrary,
  type LayerOverrides,
  type ModelGraphs,
  PRESET_NAMES,
  type Preset,
  type PresetOptions,
  presetGraphs,
  presetPlans,
} from "./presets.ts";
export { QuantizePool } from "./quantize-pool.ts";
export { type ModelCheckpoint, openModelCheckpoint, readCheckpoint, readConfig } from "./read-checkpoint.ts";
export { tensorReader, writeWeights } from "./write-weights.ts";
