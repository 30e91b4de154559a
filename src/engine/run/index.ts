/** @file Door of running: the decoder over its KV cache, and the vision encoder over its feature cache. */
export { attentionWeights } from "./attention-weights.ts";
export { cacheType, DecoderRunner, type DecoderStep } from "./decoder-runner.ts";
export { KvCache } from "./kv-cache.ts";
export { type EncodedImage, VisionEncoder } from "./vision-encoder.ts";
