/** @file The common room's door: small pure pieces that every room may use. */

export { didYouMean, refuseUnknown } from "./did-you-mean.ts";
export { bf16ToF32, f16ToF32, f32ToBf16, toF16, toF32 } from "./float-bytes.ts";
export { floatToHalf, halfToFloat } from "./half.ts";
export { finish, inSlices } from "./in-slices.ts";
export { mergeLora } from "./merge-lora.ts";
export { Mutex } from "./mutex.ts";
export { nextTurn } from "./next-turn.ts";
export { mapConcurrent, runPool, Semaphore } from "./pool.ts";
export { deriveSeed, MAX_SEED, Random } from "./random.ts";
export { type Passing, retry, retryAfterMs } from "./retry.ts";
