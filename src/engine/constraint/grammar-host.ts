/** @file One compiled schema in its own thread, and the matchers that answers step through it. */
import type { Worker } from "node:worker_threads";
import { startThread } from "../start-thread.ts";
import type { JsonSchema } from "./check-schema.ts";
import {
  FLAG,
  type GrammarReply,
  type GrammarRequest,
  type GrammarStart,
  MASK,
  MASKED,
  WORKING,
} from "./grammar-messages.ts";
import { SchemaError } from "./schema-error.ts";

/** A schema that takes longer to compile is refused; ordinary ones take a fraction of a second. */
export const COMPILE_TIMEOUT_MS = 20_000;

/** A thread that does not begin for so long is no fault of the schema; starting takes a second where nothing else runs. */
const START_TIMEOUT_MS = 120_000;

/** A step takes about a millisecond; a thread that needs this long, even on a crowded machine, is dead. */
const STEP_TIMEOUT_MS = 30_000;

/** An answer's place in a grammar. */
export interface Matcher {
  /** Takes the tokens chosen since the last call; returns the mask of the next one, or undefined at the end. */
  step(tokens: number[]): Int32Array | undefined;
  close(): void;
}

/** Starts a grammar's thread; `open` gives matchers once the schema is compiled. */
export class GrammarHost {
  readonly #worker: Worker;
  readonly #words: number;
  readonly #ready: Promise<void>;
  #matchers = 0;
  #next = 0;

  constructor(tokens: string[], endTokens: number[], schema: JsonSchema) {
    this.#words = Math.ceil(tokens.length / 32);
    this.#worker = startThread("grammar-worker", import.meta.url, {
      workerData: { tokens, endTokens, schema } satisfies GrammarStart,
      // The library prints why it gave up; the reason is told through the error instead.
      stderr: true,
    });
    this.#worker.unref();
    this.#ready = this.#compiled();
    // Whoever opens a matcher hears of a failure; nobody has to.
    this.#ready.catch(() => {});
  }

  /** Matchers in use. */
  get matchers(): number {
    return this.#matchers;
  }

  /** Opens a matcher. Throws {@link SchemaError} when the schema could not be compiled. */
  async open(): Promise<Matcher> {
    this.#matchers += 1;
    try {
      await this.#ready;
    } catch (error) {
      this.#matchers -= 1;
      throw error;
    }
    const matcher = this.#next++;
    const shared = new SharedArrayBuffer((MASK + this.#words) * 4);
    const words = new Int32Array(shared);
    const mask = words.subarray(MASK);
    const send = (request: GrammarRequest) => this.#worker.postMessage(request);
    send({ type: "open", matcher, shared });
    let open = true;
    return {
      step(tokens) {
        Atomics.store(words, FLAG, WORKING);
        send({ type: "step", matcher, tokens });
        if (Atomics.wait(words, FLAG, WORKING, STEP_TIMEOUT_MS) === "timed-out") {
          throw new Error("The grammar's thread does not answer; the answer cannot be held to its schema.");
        }
        return Atomics.load(words, FLAG) === MASKED ? mask : undefined;
      },
      close: () => {
        if (!open) return;
        open = false;
        this.#matchers -= 1;
        send({ type: "close", matcher });
      },
    };
  }

  /** Ends the thread. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #compiled(): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = "";
      this.#worker.stderr.on("data", (chunk) => {
        said = `${said}${chunk}`.slice(-2000);
      });
      const fail = (error: Error) => {
        clearTimeout(timer);
        reject(error);
        void this.#worker.terminate();
      };
      let timer = setTimeout(
        () => fail(new Error(`The grammar's thread did not start within ${START_TIMEOUT_MS / 1000} s.`)),
        START_TIMEOUT_MS,
      );
      const tooComplex = () =>
        fail(
          new SchemaError(
            `The schema is too complex: it was not compiled within ${COMPILE_TIMEOUT_MS / 1000} s. Lower its maxLength, maxItems and counts of optional properties.`,
          ),
        );
      this.#worker.on("message", (reply: GrammarReply) => {
        clearTimeout(timer);
        if (reply.type === "compiling") timer = setTimeout(tooComplex, COMPILE_TIMEOUT_MS);
        else if (reply.type === "ready") resolve();
        else fail(new SchemaError(`The schema cannot be enforced: ${reasonIn(said) ?? reply.message}.`));
      });
      this.#worker.once("error", (cause) =>
        fail(new SchemaError(`The schema cannot be enforced: ${cause.message}.`, { cause })),
      );
      this.#worker.once("exit", () =>
        fail(new SchemaError(`The schema cannot be enforced: ${reasonIn(said) ?? "its grammar could not be built"}.`)),
      );
    });
  }
}

/** The library's own words for why it gave up, without the path of its source. */
function reasonIn(said: string): string | undefined {
  return /\[FATAL\] \S+: (?:Check failed: \(.*?\) is false: )?(.{1,200})/.exec(said)?.[1]?.replace(/\.$/, "");
}
