/** @file Door of scheduling: requests in, tokens out. */
export { promptEmbeddings } from "./prompt-embeddings.ts";
export {
  PromptLookup,
  type PromptLookupOptions,
  type PromptLookupSettings,
  promptLookupSettings,
} from "./prompt-lookup.ts";
export { QueueFullError, Scheduler, type SchedulerOptions } from "./scheduler.ts";
export type { SequenceReport, SequenceRequest } from "./sequence.ts";
