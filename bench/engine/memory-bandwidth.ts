/** @file How fast this machine reads memory: the limit of every step that reads all weights once. */
import { nativeRuntime } from "../../src/engine/index.ts";
import { input, reduceMax, serialize } from "../../src/graph/index.ts";

/** 1 GiB: far beyond any cache. */
const ROWS = 1024;
const COLUMNS = 262_144;

/**
 * Bytes per second of plain reads by `threads` threads: the fastest of `rounds` passes over 1 GiB that only look for the
 * largest number.
 */
export async function memoryBandwidth(threads: number, rounds: number): Promise<number> {
  const runtime = nativeRuntime();
  const graph = serialize({ y: reduceMax(input("x", "float32", [ROWS, COLUMNS]), [1]) }, "inputs");
  await using session = await runtime.createSession(graph.bytes, { threads });
  const x = runtime.createTensor("float32", [ROWS, COLUMNS]);
  // Pages that were never written are one page of zeros, which would come from the cache.
  (x.data as Float32Array).fill(1);
  session.bindInput("x", x);
  session.bindOutput("y", runtime.createTensor("float32", [ROWS]));
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await session.run();
    best = Math.min(best, performance.now() - start);
  }
  return x.data.byteLength / (best / 1000);
}
