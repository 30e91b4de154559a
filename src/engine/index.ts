/** @file Door of the engine: from a loaded model's parts to answers. Nothing in this room needs Node. */
export { checkDevice } from "./check-device.ts";
export {
  buffersOf,
  type CompileApart,
  compileStructure,
  type JsonSchema,
  type PackedGrammar,
  packGrammar,
  SchemaError,
  type SchemaInput,
  type Structure,
  toJsonSchema,
} from "./constraint/index.ts";
export { endTokens } from "./end-tokens.ts";
export { type EngineLimits, engineLimits, type LimitOptions, pictureLimits } from "./engine-limits.ts";
export type { EngineParts, ModelDescription, ModelInfo, ModelSessions, PictureReader } from "./engine-parts.ts";
export { FlashVL } from "./flashvl.ts";
export {
  type AnswerPart,
  AnswerSplitter,
  type FinishReason,
  type GenerateOptions,
  type GenerateResult,
  PartQueue,
  type SplitOptions,
  type StreamPart,
  type Timings,
  type TokenPart,
  type ToolOptions,
  type Usage,
} from "./generate/index.ts";
export { generationDefaults } from "./generation-defaults.ts";
export type { AttentionMap, MapGrid } from "./look.ts";
export { type ModelCard, readModelCard } from "./model-card.ts";
export type { ModelStats } from "./model-stats.ts";
export { type PlannedPicture, planPictures } from "./plan-pictures.ts";
export {
  ContextOverflowError,
  type Conversation,
  checkRequests,
  type Images,
  type ManyRequest,
  type RawPrompt,
} from "./plan-request.ts";
export type { RolloutGroup } from "./rollouts.ts";
export { DecoderRunner, type EncodedImage, type KvCache, openKvCache, VisionEncoder } from "./run/index.ts";
export type { LogitsProcessor, SamplingOptions, TokenLogprob } from "./sampling/index.ts";
export { asksForChance, NoTokenError } from "./sampling/index.ts";
export { type PromptLookupOptions, promptEmbeddings, QueueFullError } from "./schedule/index.ts";
export { type EmbeddingTable, liveEmbeddings, storedEmbeddings } from "./weights/embedding-table.ts";
export { LiveWeights, type WeightMap } from "./weights/live-weights.ts";
