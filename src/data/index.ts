/** @file The room's door: training files inspected, filtered, cleared of duplicates and of benchmark questions, mixed and sampled by pipelines of steps on DuckDB. */

export { DataError } from "./data-error.ts";
export type { Manifest } from "./manifest.ts";
export { type Pipeline, parsePipeline, readPipeline, type Step } from "./pipeline.ts";
export { type RunPipelineOptions, runPipeline } from "./run-pipeline.ts";
export type { StepResult } from "./run-step.ts";
