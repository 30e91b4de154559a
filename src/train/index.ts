/** @file The training room's door: supervised fine-tuning, GRPO, and the parts they are made of. */

export { tokenLogProbs } from "./loss/token-log-probs.ts";
export { type AdamWOptions, adamw, type Moments, newMoments } from "./optim/adamw.ts";
export { clipFactor, globalNorm } from "./optim/clip.ts";
export { type ScheduleOptions, scheduleFactor } from "./optim/schedule.ts";
export { loadParameters, ParameterStore, usedParameters } from "./parameter-store.ts";
export { createStepSession, StepSession } from "./step-session.ts";
