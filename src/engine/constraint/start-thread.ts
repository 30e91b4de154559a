/** @file Starts a module of this folder as a thread, from the built package or from its TypeScript source. */
import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * In the source tree (tests, recipes) the thread registers tsx for itself: given by `--import`, it does not reach
 * threads in Node 20.
 *
 * @param name the module's name without extension
 * @example const worker = startThread("grammar-worker", { workerData });
 */
export function startThread(name: string, options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL(`./${name}.js`, import.meta.url), options);
  const module = JSON.stringify(new URL(`./${name}.ts`, import.meta.url).href);
  const start = `import("tsx/esm/api").then(({ register }) => { register(); return import(${module}); });`;
  return new Worker(start, { ...options, eval: true, execArgv: [] });
}
