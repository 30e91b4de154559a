/** @file How quickly a model answers on this machine in each precision. */
import type { RawImage } from "../../processor/index.ts";
import { openEngine, type RunOptions } from "../open-engine.ts";

/** Milliseconds, of one answer that nobody else competes with. */
export interface Speed {
  preset: string;
  /** To the first token of an answer about a picture that was never seen. */
  firstTokenMs: number;
  /** Of each further token. */
  tokenMs: number;
}

/** Tokens over which the time of one is taken. */
const TOKENS = 33;
const SIDE = 256;

/**
 * Opens the model in every preset in turn, which compiles what is not in the cache, and asks it about pictures of noise. The first
 * answer only warms up.
 *
 * @param presets names that the model's device has
 */
export async function measureSpeed(
  options: RunOptions,
  presets: readonly string[],
  signal: AbortSignal,
): Promise<Speed[]> {
  const measured: Speed[] = [];
  for (const preset of presets) {
    const model = await openEngine({ ...options, preset, maxBatch: 1 }, signal);
    try {
      const ask = (shade: number, maxNewTokens: number) =>
        model.generate(noise(shade), [{ role: "user", content: "Describe this picture." }], {
          maxNewTokens,
          ignoreEndTokens: true,
          signal,
        });
      await ask(1, 3);
      const { timings } = await ask(2, TOKENS);
      signal.throwIfAborted();
      measured.push({ preset, firstTokenMs: timings.timeToFirstTokenMs, tokenMs: timings.perTokenMs });
    } finally {
      await model.dispose();
    }
  }
  return measured;
}

/** A picture of its own for each number, so that no cache knows it. */
function noise(shade: number): RawImage {
  const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * shade * 7) % 256);
  return { data, width: SIDE, height: SIDE, channels: 3 };
}
