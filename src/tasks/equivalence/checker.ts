/** @file Are two mathematical answers equal? Normalised, compared as numbers or by computer algebra in a process with a hard time and memory limit. */
import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { needPackage } from "../../common/node.ts";
import { normaliseMath } from "./normalise.ts";
import { quicklyEqual } from "./quick.ts";

/** Processor time of one comparison. An honest one takes milliseconds; `(10^{15})!` takes for ever. */
const CPU_MS = 2000;
/** Even a process that gets no processor time is given up in the end. */
const WALL_MS = 60_000;
/** Starting the process and loading the algebra system has its own limit, since it says nothing about an answer. */
const START_MS = 120_000;
const MEMORY_MIB = 256;
/** Verdicts that are remembered; reinforcement learning asks the same again and again, but for days. */
const REMEMBERED = 10_000;

/** In the source tree the process loads tsx first. */
function startProcess(cpuMs: number): ChildProcess {
  const isSource = import.meta.url.endsWith(".ts");
  const path = fileURLToPath(new URL(isSource ? "./process.ts" : "./process.js", import.meta.url));
  const loader = isSource ? ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href] : [];
  const execArgv = [`--max-old-space-size=${MEMORY_MIB}`, ...loader];
  return fork(path, [String(cpuMs)], { execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] });
}

interface Pending {
  question: { a: string; b: string };
  settle(equal: boolean): void;
  fail(error: Error): void;
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
  readonly #cpuMs: number;

  /** @param cpuMs processor time, in milliseconds, after which one comparison is cut off; default 2000 */
  constructor({ cpuMs = CPU_MS }: { cpuMs?: number } = {}) {
    this.#cpuMs = cpuMs;
  }

  /** Without waiting for a process: true, false, or null if algebra has to decide. */
  #decided(answer: string, reference: string): { a: string; b: string; result: boolean | null } {
    const [a, b] = [normaliseMath(answer), normaliseMath(reference)];
    if (a === null || b === null) return { a: "", b: "", result: false };
    return { a, b, result: this.#known.get(`${a}\0${b}`) ?? quicklyEqual(a, b) };
  }

  /**
   * Are the two equal? What takes too long is unequal.
   * @throws if the comparing process cannot be started: that is no verdict on an answer
   */
  equal(answer: string, reference: string): Promise<boolean> {
    const { a, b, result } = this.#decided(answer, reference);
    if (result !== null) return Promise.resolve(result);
    // One question at a time: the limits are the question's own.
    const next = this.#turn.then(() => this.#ask(a, b));
    this.#turn = next.catch(() => undefined);
    return next;
  }

  #ask(a: string, b: string): Promise<boolean> {
    const known = this.#known.get(`${a}\0${b}`);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const child = this.#start();
      const timer = setTimeout(() => this.#giveUp(), START_MS);
      const settle = (equal: boolean) => {
        this.#remember(`${a}\0${b}`, equal);
        resolve(equal);
      };
      this.#pending = { timer, question: { a, b }, settle, fail: reject };
      child.ref();
      child.channel?.ref();
      if (this.#ready) this.#send();
    });
  }

  #remember(question: string, equal: boolean): void {
    if (this.#known.size >= REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(question, equal);
  }

  #start(): ChildProcess {
    if (this.#process) return this.#process;
    needPackage("Comparing formulas", "@cortex-js/compute-engine");
    const child = startProcess(this.#cpuMs);
    const died = () => {
      if (this.#process === child) this.#giveUp();
    };
    child.on("message", (message: { ready: true } | { result: boolean }) => {
      if (this.#process !== child) return;
      if ("result" in message) return this.#settle(message.result);
      this.#ready = true;
      this.#send();
    });
    // Its watchdog ends it out of time; by itself it dies out of memory.
    child.on("exit", died);
    child.on("error", died);
    this.#process = child;
    return child;
  }

  #send(): void {
    if (!this.#pending) return;
    clearTimeout(this.#pending.timer);
    this.#pending.timer = setTimeout(() => this.#giveUp(), WALL_MS);
    this.#process?.send(this.#pending.question);
  }

  #take(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    clearTimeout(pending?.timer);
    return pending;
  }

  #settle(equal: boolean): void {
    // While idle it must not keep its parent alive.
    this.#process?.unref();
    this.#process?.channel?.unref();
    this.#take()?.settle(equal);
  }

  #giveUp(): void {
    const wasReady = this.#ready;
    this.#stop();
    if (!wasReady) {
      this.#take()?.fail(new Error("The process that compares expressions did not start."));
      return;
    }
    if (this.#pending) this.cutOff++;
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

let shared: EquivalenceChecker | undefined;

/**
 * Are the two equal? By one checker for the whole process, which is what rewards share; it ends with this process.
 * @throws as `EquivalenceChecker.equal`
 * @example await equalAnswers("10\\pi", "\\pi \\cdot 10") // true
 */
export function equalAnswers(answer: string, reference: string): Promise<boolean> {
  shared ??= new EquivalenceChecker();
  return shared.equal(answer, reference);
}
