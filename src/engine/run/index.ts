/** @file Door of running: the decoder over its KV cache, and the vision encoder over its feature cache. */
export { observeAttention } from "./attention-weights.ts";
export { DecoderRunner, type DecoderStep } from "./decoder-runner.ts";
export type { KvCache } from "./kv-cache.ts";
export { openKvCache } from "./open-kv-cache.ts";
export { type EncodedImage, VisionEncoder } from "./vision-encoder.ts";
