/** @file Are two mathematical answers equal? Normalised, compared as numbers or by computer algebra in a process with a hard time and memory limit. */
import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { normaliseMath } from "./normalise.ts";
import { quicklyEqual } from "./quick.ts";

/** An honest comparison takes milliseconds; `9^{9^{9}}` takes for ever. */
export const EQUIVALENCE_TIME_MS = 2000;
/** Loading the algebra system comes on top of the first question. */
export const EQUIVALENCE_START_MS = 15_000;
const MEMORY_MIB = 256;

/** In the source tree the process loads tsx first. */
function startProcess(): ChildProcess {
  const isSource = import.meta.url.endsWith(".ts");
  const path = fileURLToPath(new URL(isSource ? "./process.ts" : "./process.js", import.meta.url));
  const loader = isSource ? ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href] : [];
  const execArgv = [`--max-old-space-size=${MEMORY_MIB}`, ...loader];
  return fork(path, { execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] });
}

interface Pending {
  question: { a: string; b: string };
  resolve(equal: boolean): void;
  timer: NodeJS.Timeout;
}

/**
 * Compares answers; one process, started when first needed and again after each time limit. Close it when done.
 * @example
 * using checker = new EquivalenceChecker();
 * await checker.equal("3\\sqrt{2}", "\\sqrt{18}"); // true
 */
export class EquivalenceChecker implements Disposable {
  /** Comparisons that were cut off at the time or memory limit, and count as unequal. */
  cutOff = 0;
  readonly #known = new Map<string, boolean>();
  #process: ChildProcess | undefined;
  #ready = false;
  #turn: Promise<unknown> = Promise.resolve();
  #pending: Pending | undefined;

  /** Without waiting for a process: true, false, or null if algebra has to decide. */
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
      const child = this.#start();
      const timer = setTimeout(() => this.#giveUp(), this.#ready ? EQUIVALENCE_TIME_MS : EQUIVALENCE_START_MS);
      this.#pending = {
        timer,
        question: { a, b },
        resolve: (equal) => {
          this.#known.set(`${a}\0${b}`, equal);
          resolve(equal);
        },
      };
      child.ref();
      child.channel?.ref();
      if (this.#ready) child.send({ a, b });
    });
  }

  #start(): ChildProcess {
    if (this.#process) return this.#process;
    const child = startProcess();
    const died = () => {
      if (this.#process === child) this.#giveUp();
    };
    child.on("message", (message: { ready: true } | { result: boolean }) => {
      if (this.#process !== child) return;
      if ("result" in message) this.#settle(message.result);
      else this.#becomeReady();
    });
    // By itself it dies out of memory.
    child.on("exit", died);
    child.on("error", died);
    this.#process = child;
    return child;
  }

  #becomeReady(): void {
    this.#ready = true;
    if (!this.#pending) return;
    clearTimeout(this.#pending.timer);
    this.#pending.timer = setTimeout(() => this.#giveUp(), EQUIVALENCE_TIME_MS);
    this.#process?.send(this.#pending.question);
  }

  #settle(equal: boolean): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (!pending) return;
    clearTimeout(pending.timer);
    // While idle it must not keep its parent alive.
    this.#process?.unref();
    this.#process?.channel?.unref();
    pending.resolve(equal);
  }

  #giveUp(): void {
    if (this.#pending) this.cutOff++;
    this.#stop();
    this.#settle(false);
  }

  #stop(): void {
    const child = this.#process;
    this.#process = undefined;
    this.#ready = false;
    child?.kill("SIGKILL");
  }

  /** End the process. */
  [Symbol.dispose](): void {
    this.#stop();
    this.#settle(false);
  }
}
