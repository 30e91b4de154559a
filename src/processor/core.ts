/** @file What both doors of this room give: everything that needs neither files nor the network. */
export { buildPrompt, type Prompt, type PromptOptions } from "./build-prompt.ts";
export { createTokenizerConfig, type TokenizerConfigJson } from "./create-tokenizer-config.ts";
export {
  type ConversationOptions,
  type EncodedConversation,
  encodeConversation,
  IGNORE_LABEL,
} from "./encode-conversation.ts";
export { IMAGE_SLOT_FIRST, IMAGE_SLOT_NEXT } from "./encode-turn.ts";
export { type ImageLimits, MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS } from "./image-limits.ts";
export type { ImageInput, RawImage, RgbImage } from "./image-types.ts";
export { InputError, type InputErrorCode } from "./input-error.ts";
export { type ContentPart, checkMessages, type Message, type Role } from "./messages.ts";
export { preprocessImage } from "./preprocess-image.ts";
export { type PreprocessorConfig, readPreprocessorConfig } from "./preprocessor-config.ts";
export type { QwenTokenizerJson } from "./qwen-tokenizer-json.ts";
export { type Resample, resizeImage } from "./resize.ts";
export type { TokenStream } from "./token-stream.ts";
export { type DecodeOptions, type EncodeOptions, Tokenizer } from "./tokenizer.ts";
export { tokenizerFromVocab, type VocabFiles } from "./tokenizer-from-vocab.ts";
export { type TrainTokenizerOptions, trainTokenizer } from "./train-tokenizer.ts";
export { withImages } from "./with-images.ts";
export { DEFAULT_SYSTEM_PROMPT } from "./with-system.ts";
