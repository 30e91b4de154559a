/** @file Door of the engine in Node: a model's name becomes a loaded model. */
export { type CheckModelOptions, checkModel, type HypothesisScore, type KnownAnswer } from "./check-model.ts";
export { defaultModelFolder, exampleBoard } from "./default-model.ts";
export { FlashVL } from "./flashvl.ts";
export type { ModelInfo } from "./open-model.ts";
export type { OpenOptions, OpenProgress } from "./open-options.ts";
