/** @file Door of accuracy: what a precision does to a model's answers, and how to stay within a budget. */
export { AccuracyJudge, type AccuracyOptions, type PresetAccuracy } from "./accuracy-report.ts";
export { calibrate } from "./calibrate.ts";
export type { LayerError } from "./layer-errors.ts";
export { type BudgetResult, meetBudget } from "./meet-budget.ts";
export { accuracyModel, openAccuracyJudge } from "./open-judge.ts";
export type { AccuracyModel } from "./prompt-reader.ts";
export { type AccuracyPrompt, samplePrompts } from "./sample-prompts.ts";
