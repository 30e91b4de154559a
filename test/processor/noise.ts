/** @file Reproducible bytes, by the same formula as in tools/reference/make_processor_golden.py. */

/** A linear congruential generator's high bytes (Numerical Recipes' constants). */
export function noise(length: number, seed = 1): Uint8Array {
  let state = seed >>> 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** Cases per fuzzed property: few by default so that the suite stays short, as many as FLASHVL_FUZZ says. */
export const FUZZ_RUNS = Number(process.env.FLASHVL_FUZZ) || 150;
