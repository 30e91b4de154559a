/** @file The threads that read rows and measure pixels. */

import { startThread, ThreadPool } from "../../common/node.ts";
import type { Job } from "./row-job.ts";

const pools = new Map<number, ThreadPool<Job>>();

/** Threads that start with the first jobs and are kept for the next pipeline. @param most at once */
export function rowThreads(most: number): ThreadPool<Job> {
  const pool = pools.get(most) ?? new ThreadPool<Job>(() => startThread("row-worker", import.meta.url), most);
  pools.set(most, pool);
  return pool;
}
