/** @file How fast this machine reads memory: the limit of every step that reads all weights once. */

import { input, reduceMax, serialize } from "../../src/graph/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";

/** 1 GiB: far beyond any cache. */
const ROWS = 1024;
const COLUMNS = 262_144;

export interface MemoryReader {
  /** Bytes per second: the fastest of `passes` over 1 GiB that only look for the largest number. */
  read(passes: number): Promise<number>;
  /** Gives the memory back. */
  dispose(): Promise<void>;
}

/**
 * Plain reads by `threads` threads.
 * @example const reader = await openMemoryReader(2); await reader.read(3); // 4.2e10
 */
export async function openMemoryReader(threads: number): Promise<MemoryReader> {
  const runtime = nativeRuntime();
  const graph = serialize({ y: reduceMax(input("x", "float32", [ROWS, COLUMNS]), [1]) }, "inputs");
  const session = await runtime.createSession(graph.bytes, { threads });
  const x = runtime.createTensor("float32", [ROWS, COLUMNS]);
  // Pages that were never written are one page of zeros, which would come from the cache.
  (x.data as Float32Array).fill(1);
  session.bindInput("x", x);
  session.bindOutput("y", runtime.createTensor("float32", [ROWS]));
  return {
    read: async (passes) => {
      let best = Number.POSITIVE_INFINITY;
      for (let pass = 0; pass < passes; pass++) {
        const start = performance.now();
        await session.run();
        best = Math.min(best, performance.now() - start);
      }
      return x.data.byteLength / (best / 1000);
    },
    dispose: () => session.dispose(),
  };
}
