/** @file What both doors of this room give: everything that needs neither files nor the network. */
export { buildPrompt, layOutPrompt, type Prompt, type PromptOptions } from "./build-prompt.ts";
export { createTokenizerConfig, type TokenizerConfigJson } from "./create-tokenizer-config.ts";
export { decodeDataUrl } from "./data-url.ts";
export { CHATML, DEFAULT_SYSTEM_PROMPT, type Dialect } from "./dialect.ts";
export {
  type ConversationOptions,
  type EncodedConversation,
  encodeConversation,
  IGNORE_LABEL,
} from "./encode-conversation.ts";
export { encodePieces, IMAGE_SLOT_FIRST, IMAGE_SLOT_NEXT, type Piece } from "./encode-turn.ts";
export { type ImageLimits, MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS } from "./image-limits.ts";
export type { ImageInput, OpenedImage, RawImage, RgbImage } from "./image-types.ts";
export { InputError, type InputErrorCode } from "./input-error.ts";
export { makePixels, preprocessImage } from "./make-pixels.ts";
export {
  type ContentPart,
  checkMessages,
  type ImagePart,
  imagePartsOf,
  imagesOf,
  type Message,
  type Role,
  type ToolCall,
} from "./messages.ts";
export {
  type Canvas,
  type FrameFilling,
  type PictureLimits,
  type PicturePlan,
  picturePlan,
  planKey,
  square,
  type TokenOrder,
  windowSize,
} from "./picture-plan.ts";
export { type PreprocessorConfig, type PreprocessorRules, readPreprocessorConfig } from "./preprocessor-config.ts";
export type { QwenTokenizerJson } from "./qwen-tokenizer-json.ts";
export { type Resample, resizeImage } from "./resize.ts";
export type { TokenStream } from "./token-stream.ts";
export { type DecodeOptions, type EncodeOptions, Tokenizer } from "./tokenizer.ts";
export { tokenizerFromVocab, type VocabFiles } from "./tokenizer-from-vocab.ts";
export {
  CALL_MARKS,
  CALL_PARTS,
  checkTools,
  pythonJson,
  type ToolDefinition,
  withTools,
} from "./tools.ts";
export { type TrainTokenizerOptions, trainTokenizer } from "./train-tokenizer.ts";
export { MARK, partsAtMarks, withImages } from "./with-images.ts";
