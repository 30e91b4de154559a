/** @file Counters and fills of a loaded model, as metrics show them. */

import type { AnswerContext } from "./answer-plan.ts";

/** Fills and hits of the caches. */
export interface ModelStats {
  running: number;
  waiting: number;
  /** Share of {@link kvTokens} that running requests hold, 0 to 1. */
  kvUsage: number;
  /** Tokens that the KV cache holds at most: every slot full. */
  kvTokens: number;
  kvBytes: number;
  prefixQueries: number;
  prefixHits: number;
  imageQueries: number;
  imageHits: number;
}

/** What the caches and the scheduler count now. */
export function modelStats({ runner, scheduler, vision }: AnswerContext): ModelStats {
  const { most, bytes } = runner.cache;
  return {
    running: scheduler.running,
    waiting: scheduler.waiting,
    kvUsage: scheduler.cacheUsage,
    kvTokens: most.slots * most.capacity,
    kvBytes: bytes,
    prefixQueries: scheduler.stats.queries,
    prefixHits: scheduler.stats.hits,
    imageQueries: vision.stats.queries,
    imageHits: vision.stats.hits,
  };
}
