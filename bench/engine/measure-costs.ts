/** @file How cost grows with context and cores, in a process of its own: `tsx measure-costs.ts OPTIONS_JSON`; one line of JSON. */

import type { Preset } from "../../src/compile/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { withoutEnd } from "./workload.ts";

export interface CostOptions {
  checkpoint: string;
  cacheDir: string;
  preset: Preset;
  threads: number;
  /** Lengths of a conversation, ascending. */
  contexts: number[];
}

export interface Cost {
  /** Milliseconds of reading what is new since the context before. */
  readMs: number;
  newTokens: number;
  /** Milliseconds per token of the answer behind it. */
  tokenMs: number;
}

export interface Costs {
  /** Milliseconds of one picture. */
  pictureMs: number;
  byContext: Record<number, Cost>;
}

const TOKENS = 12;

async function measure({ checkpoint, cacheDir, preset, threads, contexts }: CostOptions): Promise<Costs> {
  const options = { preset, cacheDir, threads, maxBatch: 1, prefillChunk: 512 };
  await using model = await FlashVL.fromPretrained(checkpoint, options);
  const endless = withoutEnd(model);
  const size = 512;
  const data = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 31) >> 3);
  const look = { role: "user" as const, content: "What is this?" };
  const picture = await model.generate({ data, width: size, height: size }, [look], { maxNewTokens: 1, ...endless });
  const costs: Costs = { pictureMs: picture.timings.imageMs, byContext: {} };
  const words = ["one", "two", "three", "five", "eight"];
  for (const context of contexts) {
    // Every word is a token with its space; the beginning is known from the context before.
    const content = Array.from({ length: context - 24 }, (_, i) => words[(i * i) % 5]).join(" ");
    const answer = await model.generate(null, [{ role: "user", content }], { maxNewTokens: TOKENS, ...endless });
    const { promptTokens, cachedTokens } = answer.usage;
    costs.byContext[context] = {
      readMs: answer.timings.prefillMs,
      newTokens: promptTokens - cachedTokens,
      tokenMs: answer.timings.perTokenMs,
    };
  }
  return costs;
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as CostOptions)));
