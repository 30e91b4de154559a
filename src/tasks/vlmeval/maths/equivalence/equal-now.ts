/** @file The comparison of two answers for callers that cannot wait asynchronously: rewards. */
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { EQUIVALENCE_START_MS, EQUIVALENCE_TIME_MS } from "./checker.ts";
import { normaliseMath } from "./normalise.ts";
import { quicklyEqual } from "./quick.ts";

let bridge: Worker | undefined;

/** The thread waits for the comparing process in this thread's stead; in the source tree it registers tsx for itself. */
function startBridge(): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./bridge.js", import.meta.url));
  const module = JSON.stringify(new URL("./bridge.ts", import.meta.url).href);
  const start = `import("tsx/esm/api").then(({ register }) => { register(); return import(${module}); });`;
  return new Worker(start, { eval: true, execArgv: [] });
}

/**
 * Are the two equal? Blocks the calling thread until it is decided, or its time is up.
 * @example equalNow("10\\pi", "\\pi \\cdot 10") // true
 */
export function equalNow(answer: string, reference: string): boolean {
  const [a, b] = [normaliseMath(answer), normaliseMath(reference)];
  if (a === null || b === null) return false;
  const quick = quicklyEqual(a, b);
  if (quick !== null) return quick;
  bridge ??= startBridge();
  bridge.unref();
  const signal = new SharedArrayBuffer(4);
  const { port1, port2 } = new MessageChannel();
  bridge.postMessage({ answer, reference, signal, port: port2 }, [port2]);
  // The checker behind it has its own limit; this one only guards against the bridge itself.
  Atomics.wait(new Int32Array(signal), 0, 0, 2 * (EQUIVALENCE_START_MS + EQUIVALENCE_TIME_MS));
  const message = receiveMessageOnPort(port1)?.message as { result: boolean } | undefined;
  port1.close();
  return message?.result ?? false;
}
