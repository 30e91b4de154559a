/** @file Turns a model name or a folder into a folder on this machine that holds the checkpoint. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { HubError } from "./errors.ts";

/** How far a download is: `bytes` of `totalBytes` over all files, counting what was on disk before. */
export interface HubProgress {
  /** The file that moved last. */
  file: string;
  bytes: number;
  totalBytes: number;
  filesDone: number;
  files: number;
}

/** Where to look and how to report. Everything has a default from the environment, as in Python's huggingface_hub. */
export interface HubOptions {
  /** The cache folder; default HF_HUB_CACHE, or `hub` in HF_HOME. */
  cacheDir?: string;
  /** Default HF_TOKEN or the token file. */
  token?: string;
  /** Default HF_ENDPOINT or https://huggingface.co. */
  endpoint?: string;
  /** Use only what the cache holds; default HF_HUB_OFFLINE. */
  offline?: boolean;
  onProgress?: (progress: HubProgress) => void;
  signal?: AbortSignal;
}

export async function resolveModel(name: string, _options: HubOptions = {}): Promise<string> {
  const folder = resolve(name);
  if (
    await stat(folder).then(
      (info) => info.isDirectory(),
      () => false,
    )
  )
    return folder;
  throw new HubError("not-found", `${name}: no such folder`);
}
