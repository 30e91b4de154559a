/** @file From the address of an exported model to an engine in this thread. */
import { toF32 } from "../common/index.ts";
import {
  type EmbeddingTable,
  type FlashVL as Engine,
  engineLimits,
  FlashVL,
  liveEmbeddings,
  type ModelDescription,
  type ModelSessions,
  openKvCache,
  pictureLimits,
  storedEmbeddings,
} from "../engine/index.ts";
import { hashImage, makePixels, openImage, Tokenizer } from "../processor/browser.ts";
import { disposeSessions, type Session } from "../runtime/index.ts";
import type { WebRuntime } from "../runtime/web/index.ts";
import { chooseDevice } from "./choose-device.ts";
import { WEIGHTS_NAME } from "./manifest.ts";
import { type OpenModel, openModel } from "./open-model.ts";
import { checkOptions, type WebModelInfo, type WebOptions } from "./web-options.ts";

/** Tables up to this size are in memory as a whole. */
const TABLE_IN_MEMORY = 64 * 2 ** 20;

/** An engine as Node's, which says more of what was opened. */
export interface WebEngine extends Engine {
  readonly info: WebModelInfo;
}

/**
 * Opens a model in this thread: for a Worker of one's own, since answering blocks it. It is the engine itself, with everything
 * that `FlashVL` in Node has but live weights; functions, such as a `logitsProcessor`, can be given to it.
 * @param url of a folder that `flashvl export --web` wrote
 * @throws TypeError or RangeError for options; DownloadError, StorageError, RuntimeError; the signal's reason
 * @example const model = await openInThread("/models/flashvl-tiny/"); // in a module that `new Worker` started
 */
export async function openInThread(url: string, options: WebOptions = {}): Promise<WebEngine> {
  checkOptions(options);
  assertSecure();
  const { signal, onProgress } = options;
  const opened = await openModel(url, options, (manifest) => chooseDevice(manifest, options));
  try {
    const { manifest, device, runtime, fallbacks, threads } = opened;
    const description = await readDescription(opened);
    const { config } = description;
    const limits = engineLimits(options, config.decoder.maxPositions);
    const sessions = await loadSessions(opened, runtime, onProgress, signal);
    const most = { slots: limits.maxBatch, capacity: limits.maxContext };
    const cache = await openKvCache(runtime, config.decoder, sessions.decode, most).catch(async (error) => {
      await disposeSessions(Object.values(sessions));
      throw error;
    });
    const info: WebModelInfo = {
      name: manifest.name,
      url: opened.url,
      preset: manifest.preset,
      card: manifest.card,
      device: device === "wasm" ? "cpu" : "webgpu",
      runtime: runtime.version,
      threads,
      storage: opened.storage,
      fallbacks,
      maxContext: limits.maxContext,
      maxBatch: limits.maxBatch,
      weights: "compiled",
    };
    return new FlashVL({
      info,
      description,
      runtime,
      sessions,
      cache,
      embeddings: await readEmbeddings(opened),
      live: undefined,
      limits,
      pictureLimits: pictureLimits(options),
      pictures: { open: openImage, hash: hashImage, pixels: makePixels },
      close: async () => opened.release(),
    }) as WebEngine;
  } catch (error) {
    opened.release();
    throw error;
  }
}

/** Hashes, locks and private files exist in secure contexts alone. */
function assertSecure(): void {
  if (globalThis.isSecureContext) return;
  throw new Error(
    `This page (${globalThis.location.origin}) is no secure context, in which alone browsers give what a model needs. Serve it over https, or from localhost.`,
  );
}

async function readDescription({ manifest, file }: OpenModel): Promise<ModelDescription> {
  const { config, preprocessor, dialect, endTokens, generation, card, tokenizer } = manifest;
  const json = async (name: string): Promise<unknown> => JSON.parse(await file(name).text());
  return {
    config,
    preprocessor,
    dialect,
    card,
    endTokens: new Set(endTokens),
    generation,
    tokenizer: Tokenizer.fromJSON(await json(tokenizer.json), await json(tokenizer.config)),
  };
}

async function readEmbeddings({ manifest, file }: OpenModel): Promise<EmbeddingTable> {
  const { file: name, dtype } = manifest.embeddings;
  const { hiddenSize } = manifest.config.decoder;
  const stored = file(name);
  const read = async (blob: Blob) => toF32(new Uint8Array(await blob.arrayBuffer()), dtype);
  if (stored.size <= TABLE_IN_MEMORY) {
    const table = await read(stored);
    return liveEmbeddings(() => table, hiddenSize);
  }
  const rowBytes = hiddenSize * (dtype === "F32" ? 4 : 2);
  return storedEmbeddings((id) => read(stored.slice(id * rowBytes, (id + 1) * rowBytes)), hiddenSize);
}

/** Loads one graph after the other: each reads its part of the weights. */
async function loadSessions(
  { manifest, device, file }: OpenModel,
  runtime: WebRuntime,
  onProgress: WebOptions["onProgress"],
  signal: AbortSignal | undefined,
): Promise<ModelSessions> {
  const names = manifest.graphs[device]!;
  const weights = new Uint8Array(await file(names.weights).arrayBuffer());
  const loaded = new Map<string, Session>();
  const order = [...new Set([names.vision, names.decode, names.prefill])];
  try {
    for (const name of order) {
      signal?.throwIfAborted();
      onProgress?.({ phase: "load", done: loaded.size, total: order.length });
      const graph = new Uint8Array(await file(name).arrayBuffer());
      const externalData = new Map([[WEIGHTS_NAME, weights]]);
      loaded.set(
        name,
        await runtime.createSession(graph, { externalData, device: device === "wasm" ? "cpu" : "webgpu" }),
      );
    }
    onProgress?.({ phase: "load", done: order.length, total: order.length });
    signal?.throwIfAborted();
    const of = (name: string) => loaded.get(name)!;
    return { vision: of(names.vision), prefill: of(names.prefill), decode: of(names.decode) };
  } catch (error) {
    await disposeSessions(loaded.values());
    throw error;
  }
}
