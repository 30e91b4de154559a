/** @file The package's door: open a FlashVL checkpoint, show it a picture, ask. Every other room has a door of its own. */

export type { Preset } from "./compile/index.ts";
export type {
  FinishReason,
  GenerateOptions,
  GenerateResult,
  ManyRequest,
  StreamPart,
  Timings,
  TokenLogprob,
  Usage,
} from "./engine/index.ts";
export { FlashVL, type ModelInfo, type OpenOptions, type OpenProgress } from "./node/index.ts";
export type { ContentPart, ImageInput, Message, RgbImage } from "./processor/index.ts";
