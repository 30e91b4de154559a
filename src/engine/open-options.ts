/** @file Options of opening a model. */
import type { Kernels } from "../model/index.ts";
import type { LayerOverrides, Preset } from "./compile/index.ts";
import type { Device } from "./runtime/index.ts";
import type { WeightMap } from "./weights/index.ts";

/** What is going on while a model opens: bytes while downloading and compiling, graphs while loading. */
export interface OpenProgress {
  phase: "download" | "compile" | "load";
  done: number;
  total: number;
}

export interface OpenOptions {
  /** Precision. Default "fp32"; on a GPU that has float16, "fp16". */
  preset?: Preset;
  /** Precisions of single layers, by pattern: `{ "llm.model.layers.*.mlp.down_proj": "int8" }`. */
  overrides?: LayerOverrides;
  /**
   * Folder of graphs that `compileCheckpoint` made of this checkpoint, such as one with calibration; in place of `preset`,
   * `overrides` and `kernels`.
   */
  compiled?: string;
  /**
   * "standard" keeps to ONNX Runtime's own kernels. Default: this package's where they load; they are for the CPU. Live
   * weights have the attention of this package only where asked for: it is faster for many answers at once.
   */
  kernels?: Kernels;
  /** Default "cpu". */
  device?: Device;
  onProgress?: (progress: OpenProgress) => void;
  /** Folder for compiled graphs. Default FLASHVL_CACHE or ~/.cache/flashvl. */
  cacheDir?: string;
  /** Threads per operator. Default: the physical cores. */
  threads?: number;
  /** Longest conversation in tokens. Default: what the model allows. Memory is taken as conversations grow. */
  maxContext?: number;
  /** Requests that are decoded together, and conversations whose beginnings stay known. Default 4. */
  maxBatch?: number;
  /** Requests that may wait. Default 256. */
  maxQueue?: number;
  /** Prompt tokens per run, between which other requests get their tokens. Default 256. */
  prefillChunk?: number;
  /** Memory for features of earlier pictures. Default 256 MiB. */
  imageCacheBytes?: number;
  /**
   * "compiled": from files in the cache, fastest. "live": float32 arrays that may be changed between answers, loaded from
   * the checkpoint; or the caller's own arrays, by the checkpoint's names.
   */
  weights?: "compiled" | "live" | WeightMap;
  signal?: AbortSignal;
}

const LIMITS = {
  maxBatch: { fallback: 4, most: 256 },
  maxQueue: { fallback: 256, most: 1_000_000 },
  prefillChunk: { fallback: 256, most: 65_536 },
} as const;

/** The options that are numbers, checked and filled in. */
export interface OpenLimits {
  maxContext: number;
  maxBatch: number;
  maxQueue: number;
  prefillChunk: number;
  imageCacheBytes: number;
}

/** @throws RangeError naming the option, what was found and what is allowed. */
export function openLimits(options: OpenOptions, maxPositions: number): OpenLimits {
  const whole = (name: keyof OpenLimits, fallback: number, least: number, most: number): number => {
    const value = options[name] ?? fallback;
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name} must be a whole number from ${least} to ${most}; found ${value}.`);
    }
    return value;
  };
  return {
    maxContext: whole("maxContext", maxPositions, 2, maxPositions),
    maxBatch: whole("maxBatch", LIMITS.maxBatch.fallback, 1, LIMITS.maxBatch.most),
    maxQueue: whole("maxQueue", LIMITS.maxQueue.fallback, 1, LIMITS.maxQueue.most),
    prefillChunk: whole("prefillChunk", LIMITS.prefillChunk.fallback, 1, LIMITS.prefillChunk.most),
    imageCacheBytes: whole("imageCacheBytes", 256 * 2 ** 20, 0, Number.MAX_SAFE_INTEGER),
  };
}
