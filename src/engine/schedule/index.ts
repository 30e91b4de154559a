/** @file Door of scheduling: requests in, tokens out. */
export { QueueFullError, Scheduler, type SchedulerOptions } from "./scheduler.ts";
export type { SequenceReport, SequenceRequest } from "./sequence.ts";
