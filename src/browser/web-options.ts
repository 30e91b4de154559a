/** @file Options of opening a model in a page. */
import { refuseUnknown } from "../common/index.ts";
import type { LimitOptions, ModelCard, ModelInfo } from "../engine/index.ts";
import type { PictureLimits } from "../processor/core.ts";
import type { WebDevice } from "./manifest.ts";

/** What is going on while a model opens: bytes while downloading (what is stored counts as done), graphs while loading. */
export interface WebProgress {
  phase: "download" | "load";
  done: number;
  total: number;
}

/** What can enter a Worker. */
export interface WebSettings extends LimitOptions, PictureLimits {
  /**
   * "wasm" (default) runs on the CPU. "webgpu" runs on the GPU or not at all; "auto" takes the GPU where it computes rightly,
   * and says in `info.fallbacks` why it does not.
   */
  device?: WebDevice | "auto";
  /** Threads of WebAssembly. Default: up to 4 where the page is isolated (COOP and COEP), otherwise 1. */
  threads?: number;
  /** Where the model is kept: the browser's private files, memory, or (default) files where there are any. */
  storage?: "auto" | "opfs" | "memory";
  /** Address of the folder with onnxruntime-web's .wasm files. Default: beside its JavaScript, where bundlers put them. */
  runtimeFiles?: string;
}

export interface WebOptions extends WebSettings {
  onProgress?: (progress: WebProgress) => void;
  signal?: AbortSignal;
}

/** What was opened, as a page knows it. */
export interface WebModelInfo extends ModelInfo {
  url: string;
  preset: string;
  /** What the model's folder says of it: what it reads, and what to ask it. */
  card: ModelCard;
  threads: number;
  storage: "opfs" | "memory";
  /** What was asked for, or would be better, and could not be had: one sentence each. */
  fallbacks: readonly string[];
}

const OPTIONS: Readonly<Record<keyof WebOptions, true>> = {
  maxContext: true,
  maxBatch: true,
  maxQueue: true,
  prefillChunk: true,
  imageCacheBytes: true,
  maxTiles: true,
  thumbnail: true,
  device: true,
  threads: true,
  storage: true,
  runtimeFiles: true,
  onProgress: true,
  signal: true,
};

const EXPORTED = "it is decided when the model is exported: flashvl export --web --preset";
/** Options of Node that no page has, and why. */
const NOT_HERE: Readonly<Record<string, string>> = {
  preset: EXPORTED,
  overrides: EXPORTED,
  iss: EXPORTED,
  compiled: EXPORTED,
  kernels: "the native kernels are for Node",
  cacheDir: "the browser keeps models in its private files; see storage",
  weights: "weights in a page cannot be changed",
  runtime: "a page runs on onnxruntime-web; see device",
};

const CHOICES = { device: ["wasm", "webgpu", "auto"], storage: ["auto", "opfs", "memory"] } as const;

/**
 * @throws TypeError for an option that does not exist here, with the reason or the one that was probably meant
 * @throws RangeError for a value that is not one of those there are
 */
export function checkOptions(options: WebOptions): void {
  for (const [name, reason] of Object.entries(NOT_HERE))
    if ((options as Record<string, unknown>)[name] !== undefined)
      throw new TypeError(`Option "${name}" does not exist in a page: ${reason}.`);
  refuseUnknown("option", options, Object.keys(OPTIONS), { progress: "onProgress", abortSignal: "signal" });
  for (const [name, known] of Object.entries(CHOICES)) {
    const value = options[name as keyof typeof CHOICES];
    if (value !== undefined && !(known as readonly string[]).includes(value))
      throw new RangeError(`${name} must be one of ${known.join(", ")}; found ${JSON.stringify(value)}.`);
  }
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 64))
    throw new RangeError(`threads must be a whole number from 1 to 64; found ${threads}.`);
}
