/** @file Long work in slices, between which the event loop serves others. */
import { nextTurn } from "./next-turn.ts";

/** Work goes on for so long before others get their turn. */
const SLICE_MS = 4;

/**
 * Runs a generator to its end, with a pause at a `yield` whenever some milliseconds have passed.
 *
 * @returns the generator's result, as a promise only where there was a pause
 * @example const ids = await inSlices(tokenizer.encodeSteps(text));
 */
export function inSlices<Result>(steps: Generator<void, Result>): Promise<Result> | Result {
  const first = slice(steps);
  return first.done ? first.value : rest(steps);
}

/** Runs a generator to its end without a pause. */
export function finish<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

async function rest<Result>(steps: Generator<void, Result>): Promise<Result> {
  for (;;) {
    await nextTurn();
    const step = slice(steps);
    if (step.done) return step.value;
  }
}

function slice<Result>(steps: Generator<void, Result>): IteratorResult<void, Result> {
  const until = performance.now() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done || performance.now() >= until) return step;
  }
}
