/** @file Options of opening a model. */

import { refuseUnknown } from "../common/index.ts";
import type { LayerOverrides, Preset } from "../compile/index.ts";
import type { LimitOptions, WeightMap } from "../engine/index.ts";
import type { ModelChoices } from "../model/index.ts";
import type { Kernels } from "../passes/index.ts";
import type { PictureLimits } from "../processor/index.ts";
import type { Device, Runtime } from "../runtime/index.ts";

/** What is going on while a model opens: bytes while downloading and compiling, graphs while loading. */
export interface OpenProgress {
  phase: "download" | "compile" | "load";
  done: number;
  total: number;
}

export interface OpenOptions extends LimitOptions, PictureLimits, ModelChoices {
  /** What runs the graphs, which it is given as paths of files. Default: ONNX Runtime's library. */
  runtime?: Runtime;
  /** Precision. Default "fp32", above 500 million parameters "auto"; on a GPU that has float16, "fp16". */
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
  /**
   * "compiled": from files in the cache, fastest. "live": float32 arrays that may be changed between answers, loaded from
   * the checkpoint; or the caller's own arrays, by the model's own names.
   */
  weights?: "compiled" | "live" | WeightMap;
  signal?: AbortSignal;
}

/** Every option, so that others can be refused. */
const OPEN_OPTIONS: Readonly<Record<keyof OpenOptions, true>> = {
  maxContext: true,
  maxBatch: true,
  maxQueue: true,
  prefillChunk: true,
  imageCacheBytes: true,
  maxTiles: true,
  thumbnail: true,
  iss: true,
  tokenOrder: true,
  systemPrompt: true,
  runtime: true,
  preset: true,
  overrides: true,
  compiled: true,
  kernels: true,
  device: true,
  onProgress: true,
  cacheDir: true,
  threads: true,
  weights: true,
  signal: true,
};

/** What the options choose about the checkpoint. */
export const choicesOf = ({ iss, tokenOrder, systemPrompt, maxTiles, thumbnail, cacheDir }: OpenOptions) => ({
  iss,
  tokenOrder,
  systemPrompt,
  maxTiles,
  thumbnail,
  cacheDir,
});

/** @throws TypeError for an option that does not exist, with the one that was probably meant */
export function refuseUnknownOptions(options: OpenOptions): void {
  const aliases = { quantization: "preset", dtype: "preset", precision: "preset" };
  refuseUnknown("option", options, Object.keys(OPEN_OPTIONS), aliases);
}
