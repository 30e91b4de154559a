/** @file Door of the engine in a page: models that `flashvl export --web` wrote, run by the browser itself. */
export type {
  AttentionMap,
  Conversation,
  FinishReason,
  GenerateOptions,
  GenerateResult,
  Images,
  JsonSchema,
  ManyRequest,
  ModelStats,
  SchemaInput,
  StreamPart,
  Structure,
  Timings,
  TokenPart,
  Usage,
} from "../engine/index.ts";
export type { ContentPart, ImageInput, Message, PictureLimits, RawImage, RgbImage } from "../processor/core.ts";
export { answerPort } from "./answer-port.ts";
export { FlashVL, type PageOptions } from "./flashvl.ts";
export type { WebDevice } from "./manifest.ts";
export { openInThread, type WebEngine } from "./open-engine.ts";
export { DownloadError } from "./store/download.ts";
export { StorageError, type StorageErrorCode } from "./store/storage-error.ts";
export { listStored, removeStored, type StoredModel } from "./store/stored-models.ts";
export type { WebModelInfo, WebOptions, WebProgress } from "./web-options.ts";
