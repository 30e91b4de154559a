/** @file How much an engine takes on at a time. */
import type { PictureLimits } from "../processor/core.ts";

/** All have defaults. */
export interface LimitOptions {
  /** Longest conversation in tokens. Default: what the model allows. Memory is taken as conversations grow. */
  maxContext?: number;
  /** Requests that are decoded together, and conversations whose beginnings stay known. Default 4. */
  maxBatch?: number;
  /** Requests that may wait. Default 256. */
  maxQueue?: number;
  /** Prompt tokens per run, between which other requests get their tokens. Default 256. */
  prefillChunk?: number;
  /** Memory for features of earlier pictures. Default 256 MiB. */
  imageCacheBytes?: number;
}

/** The same, checked and filled in. */
export type EngineLimits = Required<LimitOptions>;

/** Far more than any model was trained with, and few enough to be planned at once. */
const MAX_TILES = 256;

/**
 * What a caller says about pictures, checked.
 * @throws RangeError when `maxTiles` is no number of tiles
 */
export function pictureLimits({ maxTiles, thumbnail }: PictureLimits, otherwise: PictureLimits = {}): PictureLimits {
  if (maxTiles !== undefined && !(Number.isInteger(maxTiles) && maxTiles >= 1 && maxTiles <= MAX_TILES))
    throw new RangeError(`maxTiles must be a whole number from 1 to ${MAX_TILES}; found ${maxTiles}.`);
  return { maxTiles: maxTiles ?? otherwise.maxTiles, thumbnail: thumbnail ?? otherwise.thumbnail };
}

const LIMITS = {
  maxBatch: { fallback: 4, most: 256 },
  maxQueue: { fallback: 256, most: 1_000_000 },
  prefillChunk: { fallback: 256, most: 65_536 },
} as const;

/**
 * @param maxPositions the longest conversation that the model allows
 * @throws RangeError naming the option, what was found and what is allowed.
 */
export function engineLimits(options: LimitOptions, maxPositions: number): EngineLimits {
  const whole = (name: keyof EngineLimits, fallback: number, least: number, most: number): number => {
    const value = options[name] ?? fallback;
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name} must be a whole number from ${least} to ${most}; found ${value}.`);
    }
    return value;
  };
  return {
    maxContext: whole("maxContext", maxPositions, 2, maxPositions),
    maxBatch: whole("maxBatch", LIMITS.maxBatch.fallback, 1, LIMITS.maxBatch.most),
    maxQueue: whole("maxQueue", LIMITS.maxQueue.fallback, 1, LIMITS.maxQueue.most),
    prefillChunk: whole("prefillChunk", LIMITS.prefillChunk.fallback, 1, LIMITS.prefillChunk.most),
    imageCacheBytes: whole("imageCacheBytes", 256 * 2 ** 20, 0, Number.MAX_SAFE_INTEGER),
  };
}
