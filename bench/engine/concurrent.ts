/** @file How many tokens come per second when several answers are written together. */

import type { GenerateOptions } from "../../src/engine/index.ts";
import type { FlashVL } from "../../src/node/index.ts";

export interface Throughput {
  /** Tokens per second while all answers are being written: from the last one's first token to the first one's end. */
  together: number;
  /** All tokens by all the time, prompts included. */
  overall: number;
}

/** Writes `count` answers to as many prompts at once. */
export async function throughput(model: FlashVL, count: number, options: GenerateOptions): Promise<Throughput> {
  const began = performance.now();
  const answers = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const at: number[] = [];
      const ask = [{ role: "user" as const, content: `${i} of ${count}: tell me something.` }];
      for await (const part of model.stream(null, ask, options)) if (!part.done) at.push(performance.now());
      return at;
    }),
  );
  const from = Math.max(...answers.map((at) => at[0]!));
  const until = Math.min(...answers.map((at) => at.at(-1)!));
  const all = answers.flat();
  // The first tokens came out of prompts; those at `from` itself are counted by none.
  const written = all.filter((at) => at > from && at <= until).length;
  return {
    together: (1000 * written) / (until - from),
    overall: (1000 * all.length) / (Math.max(...all) - began),
  };
}
