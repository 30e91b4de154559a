/** @file Our own model as an answerer: in this process, several questions decoded together. */
import { basename } from "node:path";
import type { FlashVL } from "../../engine/index.ts";
import type { Answer, Answerer } from "./answerer.ts";
import { mapConcurrent } from "./map-concurrent.ts";

/** VLMEvalKit's FlashVL adapter generates at most this much. */
export const VLMEVAL_MAX_NEW_TOKENS = 512;

export interface FlashVLAnswererOptions {
  /** Questions under way at once. Default: what the model batches. */
  batch?: number;
  /** Default 512. */
  maxNewTokens?: number;
}

/**
 * Greedy answers, so that they depend neither on the batch size nor on the order.
 * The model stays the caller's to dispose of.
 * @example const answerer = flashvlAnswerer(await FlashVL.fromPretrained());
 */
export function flashvlAnswerer(model: FlashVL, options: FlashVLAnswererOptions = {}): Answerer {
  const { batch = model.info.maxBatch, maxNewTokens = VLMEVAL_MAX_NEW_TOKENS } = options;
  const { name, preset, overrides, compiled, device, runtime } = model.info;
  // As text: their order counts. Absent where there are none, as in the runs of earlier versions.
  const layers = Object.entries(overrides)
    .map(([pattern, precision]) => `${pattern}=${precision}`)
    .join();
  return {
    name: name.split("/").at(-1) || "FlashVL",
    settings: {
      model: name,
      preset,
      ...(layers && { layers }),
      // Its name is the hash of what it was made from.
      ...(compiled !== undefined && { compiled: basename(compiled) }),
      device,
      runtime,
      maxNewTokens,
      doSample: false,
    },
    answer: (requests, { signal }) =>
      mapConcurrent(requests, batch, async ({ key, images, messages }): Promise<Answer> => {
        const started = performance.now();
        try {
          const generated = await model.generate(images.length > 0 ? images : null, messages, {
            doSample: false,
            maxNewTokens,
            signal,
          });
          if (generated.finishReason === "abort") throw signal?.reason ?? new Error("aborted");
          const milliseconds = performance.now() - started;
          return { key, text: generated.text, milliseconds, completionTokens: generated.usage.completionTokens };
        } catch (error) {
          signal?.throwIfAborted();
          return { key, text: "", error: (error as Error).message, milliseconds: performance.now() - started };
        }
      }),
    close: async () => {},
  };
}
