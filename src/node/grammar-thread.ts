/** @file Large structures of answers are compiled in a thread: one takes up to a second. */
import { startThread, ThreadPool } from "../common/node.ts";
import type { CompileApart } from "../engine/index.ts";

const threads = new ThreadPool<string>(() => startThread("grammar-worker", import.meta.url), 1);

/** @example const packed = await compileInThread(JSON.stringify({ json: schema })); */
export const compileInThread: CompileApart = (structure) => threads.run(structure);
