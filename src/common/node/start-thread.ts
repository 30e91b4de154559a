/** @file Starts a module as a thread, from the built package or from its TypeScript source. */
import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * In the source tree (tests, recipes) the thread registers tsx for itself: given by `--import`, it does not reach
 * threads in Node 20.
 *
 * @param name the module's name without extension
 * @param beside `import.meta.url` of a module in the same folder
 * @example const worker = startThread("grammar-worker", import.meta.url, { workerData });
 */
export function startThread(name: string, beside: string, options: WorkerOptions = {}): Worker {
  if (!beside.endsWith(".ts")) return new Worker(new URL(`./${name}.js`, beside), options);
  const module = JSON.stringify(new URL(`./${name}.ts`, beside).href);
  const start = `import("tsx/esm/api").then(({ register }) => { register(); return import(${module}); });`;
  return new Worker(start, { ...options, eval: true, execArgv: [] });
}
