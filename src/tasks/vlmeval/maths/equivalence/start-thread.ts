/** @file Starts a module of this folder as a thread, from the built package or from its TypeScript source. */
import { Worker, type WorkerOptions } from "node:worker_threads";

/** In the source tree the thread registers tsx for itself: given by `--import`, it does not reach threads in Node 20. */
export function startThread(name: string, options: WorkerOptions = {}): Worker {
  const here = import.meta.url;
  if (!here.endsWith(".ts")) return new Worker(new URL(`./${name}.js`, here), options);
  const module = JSON.stringify(new URL(`./${name}.ts`, here).href);
  const start = `import("tsx/esm/api").then(({ register }) => { register(); return import(${module}); });`;
  return new Worker(start, { ...options, eval: true, execArgv: [] });
}
