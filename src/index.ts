/** @file The package's door: open a FlashVL checkpoint, show it a picture, ask. Every other room has a door of its own. */

export {
  type FinishReason,
  FlashVL,
  type GenerateOptions,
  type GenerateResult,
  type ManyRequest,
  type ModelInfo,
  type OpenOptions,
  type OpenProgress,
  type Preset,
  type StreamPart,
  type Timings,
  type TokenLogprob,
  type Usage,
} from "./engine/index.ts";
export type { ContentPart, ImageInput, Message, RgbImage } from "./processor/index.ts";
