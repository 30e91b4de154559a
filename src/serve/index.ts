/** @file The server's door: an OpenAI-compatible HTTP server over any model with FlashVL's shape. */
export type {
  AnswerToken,
  AttentionMap,
  CacheStats,
  ChatContentPart,
  ChatMessage,
  ChatModel,
  ChatOptions,
  ChatPart,
  ChatResult,
  ChatUsage,
  PictureInput,
  ScoredToken,
} from "./chat-model.ts";
export { ApiError, type ApiErrorBody } from "./errors.ts";
export { createLog, type Logger } from "./log.ts";
export { openapiDocument } from "./openapi.ts";
export { type PictureLoader, pictureLoader } from "./pictures.ts";
export { type RunningServer, type ServerOptions, startServer } from "./server.ts";
export { readSettings, type ServeSettings, type SettingName, settingNames } from "./settings.ts";
