/** @file What an engine is put together from: whoever opens a model, in Node or in a page, hands these in. */
import type { GenerationDefaults, ModelConfig } from "../model/index.ts";
import type {
  Dialect,
  ImageInput,
  OpenedImage,
  PictureLimits,
  PicturePlan,
  PreprocessorConfig,
  RgbImage,
  Tokenizer,
} from "../processor/core.ts";
import type { Device, Runtime, Session } from "../runtime/index.ts";
import type { CompileApart } from "./constraint/index.ts";
import type { EngineLimits } from "./engine-limits.ts";
import type { ModelCard } from "./model-card.ts";
import type { KvCache } from "./run/index.ts";
import type { EmbeddingTable } from "./weights/embedding-table.ts";
import type { LiveWeights } from "./weights/live-weights.ts";

/** A checkpoint without its weights. */
export interface ModelDescription {
  config: ModelConfig;
  tokenizer: Tokenizer;
  preprocessor: PreprocessorConfig;
  dialect: Dialect;
  endTokens: ReadonlySet<number>;
  /** What a request does not say. */
  generation: GenerationDefaults;
  card: ModelCard;
}

/** The vision, prefill and decode sessions; the last two may be one. */
export interface ModelSessions {
  vision: Session;
  /** Many new tokens of one sequence. */
  prefill: Session;
  /** One new token of each of several sequences. */
  decode: Session;
}

/** What was opened. */
export interface ModelInfo {
  name: string;
  device: Device;
  /** For example "onnxruntime 1.30.0". */
  runtime: string;
  maxContext: number;
  maxBatch: number;
  weights: "compiled" | "live";
}

/** Reads pictures and names them by their content. */
export interface PictureReader {
  /** Reads the header. @throws InputError when it is no picture, or not one that may be read; the signal's reason */
  open(input: ImageInput, options: { signal?: AbortSignal }): Promise<OpenedImage>;
  /** Equal names, equal pixels. */
  hash(image: RgbImage): string | Promise<string>;
  /** The windows of a plan, [windows, 3, height, width], as `makePixels` gives them. */
  pixels(image: RgbImage, plan: PicturePlan, preprocessor: PreprocessorConfig): Float32Array | Promise<Float32Array>;
}

/** A loaded model and the platform's part of answering. The engine takes all of it over. */
export interface EngineParts {
  info: ModelInfo;
  description: ModelDescription;
  runtime: Runtime;
  sessions: ModelSessions;
  cache: KvCache;
  embeddings: EmbeddingTable;
  /** Present when the weights are live. */
  live: LiveWeights | undefined;
  limits: EngineLimits;
  /** For requests that have none of their own. */
  pictureLimits: PictureLimits;
  pictures: PictureReader;
  /** Compiles large structures of answers elsewhere, where the platform has threads for it. */
  compileApart?: CompileApart;
  /** Called last when the model is disposed: closes what it was loaded from. */
  close(): Promise<void>;
}
