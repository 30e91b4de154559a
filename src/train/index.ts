/** @file The training room's door: supervised fine-tuning, GRPO, and the parts they are made of. */

export { packBestFit } from "./data/pack.ts";
export { type Encoded, type Sequence, toSequence } from "./data/sequence.ts";
export { tokenLogProbs } from "./loss/token-log-probs.ts";
export { type AdamWOptions, adamw, type Moments, newMoments } from "./optim/adamw.ts";
export { clipFactor, globalNorm } from "./optim/clip.ts";
export { type ScheduleOptions, scheduleFactor } from "./optim/schedule.ts";
export { loadParameters, ParameterStore, usedParameters } from "./parameter-store.ts";
export { type Recipe, readRecipe, type SeeRecipe, type SftRecipe } from "./recipe.ts";
export { type SeeSample, trainToSee } from "./see.ts";
export { type SftOptions, type SftResult, trainSft } from "./sft.ts";
export { type SftShape, sftGraph } from "./sft-graph.ts";
export { createStepSession, StepSession } from "./step-session.ts";
