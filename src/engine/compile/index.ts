/** @file Door of compiling: from a checkpoint to graph files in the cache. */
export { compileCacheFolder } from "./cache-folder.ts";
export { type Calibration, type CompiledModel, type CompileOptions, compileCheckpoint } from "./compile-checkpoint.ts";
export { type CompiledEntry, type CompiledState, listCompiled, pruneCompiled } from "./compiled-cache.ts";
export { openCompiled } from "./open-compiled.ts";
export {
  availableKernels,
  checkOverrides,
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
export { tensorReader, writeWeights } from "./write-weights.ts";
