/** @file The server's door: an OpenAI-compatible HTTP server over any model with FlashVL's shape. */
export type { AnswerToken, AttentionMap, ChatModel, ChatPart, ChatResult, EngineStats } from "./chat-model.ts";
export type { ApiErrorBody } from "./errors.ts";
export type { Logger } from "./log.ts";
export type { PictureLoader } from "./pictures.ts";
export type { RunningServer, ServerOptions } from "./server.ts";
export { readSettings, type ServeSettings, type SettingName, settingNames } from "./settings.ts";
export { startServer } from "./start-server.ts";
