/** @file Admission: a fixed number of running requests, a bounded first-come-first-served line behind them, and 429 beyond it. */
import { ApiError } from "./errors.ts";
import { MAX_RETRY_AFTER_S, MIN_RETRY_AFTER_S } from "./limits.ts";

/** The right to run one request; give it back with `release` (a second call does nothing). */
export interface Slot {
  release(): void;
}

interface Waiter {
  admit(slot: Slot): void;
}

/** Weight of the newest request in the running mean of service times. */
const SMOOTHING = 0.2;

/**
 * Lets `slots` requests run and `maxWaiting` wait.
 *
 * @example
 * const slot = await queue.acquire(signal);
 * try { await work(); } finally { slot.release(); }
 */
export class AdmissionQueue {
  readonly #slots: number;
  readonly #maxWaiting: number;
  readonly #line: Set<Waiter> = new Set();
  readonly #idle: (() => void)[] = [];
  #running = 0;
  #meanSeconds = 1;

  constructor(slots: number, maxWaiting: number) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
  }

  /** Requests that hold a slot. */
  get running(): number {
    return this.#running;
  }

  /** Requests in the line. */
  get waiting(): number {
    return this.#line.size;
  }

  /**
   * Waits for a slot. Throws {@link ApiError} 429 with Retry-After at once when the line is full, and the signal's
   * reason when it aborts first.
   */
  acquire(signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted();
    if (this.#running < this.#slots) return Promise.resolve(this.#start());
    if (this.#line.size >= this.#maxWaiting) throw this.fullError();
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#line.delete(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        admit: (slot) => {
          signal.removeEventListener("abort", leave);
          resolve(slot);
        },
      };
      this.#line.add(waiter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** Whether a request that came now would be turned away; lets a route refuse before it reads a large body. */
  isFull(): boolean {
    return this.#running >= this.#slots && this.#line.size >= this.#maxWaiting;
  }

  /** Resolves when nothing runs and nothing waits. */
  whenIdle(): Promise<void> {
    if (this.#running === 0 && this.#line.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** The answer to a request that finds no place; Retry-After guesses when the line will have moved up by one. */
  fullError(): ApiError {
    const seconds = Math.ceil((this.#meanSeconds * (this.#line.size + 1)) / this.#slots / 2);
    const retryAfter = Math.min(MAX_RETRY_AFTER_S, Math.max(MIN_RETRY_AFTER_S, seconds));
    return new ApiError(
      429,
      `All ${this.#slots} slots are busy and ${this.#line.size} requests wait. Try again in ${retryAfter} s.`,
      { code: "queue_full", headers: { "retry-after": String(retryAfter) } },
    );
  }

  #start(): Slot {
    this.#running += 1;
    const begun = performance.now();
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#running -= 1;
        this.#meanSeconds += SMOOTHING * ((performance.now() - begun) / 1000 - this.#meanSeconds);
        const [next] = this.#line;
        if (next) {
          this.#line.delete(next);
          next.admit(this.#start());
        } else if (this.#running === 0) {
          for (const resolve of this.#idle.splice(0)) resolve();
        }
      },
    };
  }
}
