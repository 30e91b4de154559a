/** @file Our own model as an answerer: in this process, several questions decoded together. */
import { randomUUID } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import { mapConcurrent } from "../../common/index.ts";
import { compileCacheFolder, PACKAGE_VERSION } from "../../compile/index.ts";
import type { FlashVL } from "../../node/index.ts";
import type { Answer, Answerer } from "./answerer.ts";
import { modelHash } from "./model-hash.ts";

/** VLMEvalKit's FlashVL adapter generates at most this much. */
export const VLMEVAL_MAX_NEW_TOKENS = 512;

export interface FlashVLAnswererOptions {
  /** Questions under way at once. Default: what the model batches. */
  batch?: number;
  /** Default 512. */
  maxNewTokens?: number;
  /** Where hashes of weights are remembered. Default: the cache of compiled graphs. */
  cacheDir?: string;
}

/**
 * How a run names a model: a checkpoint of a training run by that run and its step, another folder by its own name, a model
 * of the hub by the name there.
 * @example modelName("runs/meters/last", "/home/me/runs/meters/last") // "meters-step-24"
 */
export function modelName(name: string, folder: string): string {
  const place = existsSync(folder) ? realpathSync(folder) : folder;
  const step = /^step-0*(\d+)$/.exec(basename(place));
  if (step && basename(dirname(place)) === "checkpoints") return `${basename(dirname(dirname(place)))}-step-${step[1]}`;
  const last = name.replace(/\/+$/, "").split("/").at(-1)!;
  return (/^\.*$/.test(last) ? basename(place) : last) || "FlashVL";
}

/**
 * Greedy answers, so that they depend neither on the batch size nor on the order.
 * The model stays the caller's to dispose of.
 * @example const answerer = flashvlAnswerer(await FlashVL.fromPretrained());
 */
export function flashvlAnswerer(model: FlashVL, options: FlashVLAnswererOptions = {}): Answerer {
  const { batch = model.info.maxBatch, maxNewTokens = VLMEVAL_MAX_NEW_TOKENS } = options;
  const { name, folder, files, choices, preset, overrides, compiled, device, runtime, weights } = model.info;
  // As text: their order counts. Absent where there are none, as in the runs of earlier versions.
  const layers = Object.entries(overrides)
    .map(([pattern, precision]) => `${pattern}=${precision}`)
    .join();
  return {
    name: modelName(name, folder),
    settings: {
      model: name,
      preset,
      ...(layers && { layers }),
      ...choices,
      // Its name is the hash of what it was made from.
      ...(compiled !== undefined && { compiled: basename(compiled) }),
      device,
      runtime,
      maxNewTokens,
      doSample: false,
    },
    identity: async () => ({
      flashvl: PACKAGE_VERSION,
      // Weights in memory may change at any time: such a run is never continued.
      model: weights === "live" ? randomUUID() : await modelHash(files, compileCacheFolder(options.cacheDir)),
    }),
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
