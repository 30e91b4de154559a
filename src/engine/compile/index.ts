/** @file Door of compiling: from a checkpoint to graph files in the cache. */
export { compileCacheFolder } from "./cache-folder.ts";
export { type CompiledModel, type CompileOptions, compileCheckpoint } from "./compile-checkpoint.ts";
export { type ModelGraphs, PRESET_NAMES, type Preset, presetGraphs } from "./presets.ts";
