/** @file Are two mathematical answers equal? Normalised, compared as numbers or by computer algebra in a thread with a hard time and memory limit. */
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { normaliseMath } from "./normalise.ts";
import { quicklyEqual } from "./quick.ts";

/** An honest comparison takes milliseconds; `9^{9^{9}}` takes for ever. */
export const EQUIVALENCE_TIME_MS = 2000;
/** Loading the algebra system comes on top of the first question. */
const START_TIME_MS = 15_000;
const MEMORY_MIB = 256;

/** In the source tree the thread registers tsx for itself, since `--import` does not reach threads in Node 20. */
function startThread(): Worker {
  const resourceLimits = { maxOldGenerationSizeMb: MEMORY_MIB };
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./worker.js", import.meta.url), { resourceLimits });
  const module = JSON.stringify(new URL("./worker.ts", import.meta.url).href);
  const start = `import("tsx/esm/api").then(({ register }) => { register(); return import(${module}); });`;
  return new Worker(start, { eval: true, execArgv: [], resourceLimits });
}

interface Pending {
  resolve(equal: boolean): void;
  timer: NodeJS.Timeout;
}

/**
 * Compares answers; one thread, started when first needed and again after each time limit. Close it when done.
 * @example
 * using checker = new EquivalenceChecker();
 * await checker.equal("3\\sqrt{2}", "\\sqrt{18}"); // true
 */
export class EquivalenceChecker implements Disposable {
  /** Comparisons that were cut off at the time or memory limit, and count as unequal. */
  cutOff = 0;
  readonly #known = new Map<string, boolean>();
  #worker: Worker | undefined;
  #ready = false;
  #turn: Promise<unknown> = Promise.resolve();
  #pending: Pending | undefined;

  /** Without waiting for a thread: true, false, or null if algebra has to decide. */
  #decided(answer: string, reference: string): { a: string; b: string; result: boolean | null } {
    const [a, b] = [normaliseMath(answer), normaliseMath(reference)];
    if (a === null || b === null) return { a: "", b: "", result: false };
    return { a, b, result: this.#known.get(`${a}\0${b}`) ?? quicklyEqual(a, b) };
  }

  /** Are the two equal? Never throws; what takes too long is unequal. */
  equal(answer: string, reference: string): Promise<boolean> {
    const { a, b, result } = this.#decided(answer, reference);
    if (result !== null) return Promise.resolve(result);
    // One question at a time: the time limit is the question's own.
    const next = this.#turn.then(() => this.#ask(a, b));
    this.#turn = next;
    return next;
  }

  #ask(a: string, b: string): Promise<boolean> {
    const known = this.#known.get(`${a}\0${b}`);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      const worker = this.#start();
      const limit = EQUIVALENCE_TIME_MS + (this.#ready ? 0 : START_TIME_MS);
      const timer = setTimeout(() => this.#giveUp(), limit);
      this.#pending = {
        timer,
        resolve: (equal) => {
          this.#known.set(`${a}\0${b}`, equal);
          resolve(equal);
        },
      };
      worker.ref();
      worker.postMessage({ id: 0, a, b });
    });
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = startThread();
    worker.on("message", ({ result }: { result: boolean }) => {
      this.#ready = true;
      this.#settle(result);
    });
    worker.on("error", () => this.#giveUp());
    this.#worker = worker;
    return worker;
  }

  #settle(equal: boolean): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (!pending) return;
    clearTimeout(pending.timer);
    // An idle thread must not keep the process alive.
    this.#worker?.unref();
    pending.resolve(equal);
  }

  #giveUp(): void {
    this.cutOff++;
    this.#stop();
    this.#settle(false);
  }

  #stop(): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
    this.#ready = false;
  }

  /** End the thread. */
  [Symbol.dispose](): void {
    this.#stop();
    this.#settle(false);
  }
}

let blocking: { worker: Worker; started: boolean } | undefined;

/**
 * The same comparison, blocking the calling thread until it is decided or the time is up: for rewards, which are not
 * asynchronous.
 * @example equalNow("10\\pi", "\\pi \\cdot 10") // true
 */
export function equalNow(answer: string, reference: string): boolean {
  const [a, b] = [normaliseMath(answer), normaliseMath(reference)];
  if (a === null || b === null) return false;
  const quick = quicklyEqual(a, b);
  if (quick !== null) return quick;
  blocking ??= { worker: startThread(), started: false };
  const { worker } = blocking;
  worker.unref();
  const signal = new SharedArrayBuffer(4);
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ id: 0, a, b, signal, port: port2 }, [port2]);
  const limit = EQUIVALENCE_TIME_MS + (blocking.started ? 0 : START_TIME_MS);
  const outcome = Atomics.wait(new Int32Array(signal), 0, 0, limit);
  const message = receiveMessageOnPort(port1)?.message as { result: boolean } | undefined;
  port1.close();
  if (outcome === "timed-out") {
    void worker.terminate();
    blocking = undefined;
    return false;
  }
  blocking.started = true;
  return message?.result ?? false;
}
