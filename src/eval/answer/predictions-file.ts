/** @file A file of earlier predictions as an answerer. */
import { basename } from "node:path";
import type { Answer, Answerer } from "./answerer.ts";
import { readPredictions } from "./read-predictions.ts";

/**
 * Rows that the file lacks get an answer with `error`.
 * @throws as `readPredictions`
 * @example const answerer = await predictionsAnswerer("M_MMStar.xlsx", "M");
 */
export async function predictionsAnswerer(path: string, name?: string): Promise<Answerer> {
  const replies = await readPredictions(path);
  return {
    name: name ?? basename(path).replace(/\.[^.]+$/, ""),
    settings: { predictions: basename(path), rows: replies.size },
    async *answer(requests) {
      for await (const { key } of requests) {
        const text = replies.get(key);
        const answer: Answer = { key, text: text ?? "", milliseconds: 0 };
        yield text === undefined ? { ...answer, error: `${basename(path)} has no row with index ${key}` } : answer;
      }
    },
    close: async () => {},
  };
}
