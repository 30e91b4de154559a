/** @file Turns a model name or a folder into a folder on this machine that holds the checkpoint. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { note, writableFolder } from "../common/node.ts";
import { adapterBase, isAdapterFolder } from "./adapter/adapter-base.ts";
import { isCommit, ModelCache } from "./cache-layout.ts";
import { downloadModel, type HubProgress, listModel } from "./download-model.ts";
import { HubError } from "./errors.ts";
import { type ModelName, parseModelName } from "./model-name.ts";
import { readSettings } from "./settings.ts";
import { missingFiles } from "./snapshot-files.ts";
import { type HubSystem, realSystem } from "./system.ts";

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
  /** Called after every piece that arrives, often many times a second. */
  onProgress?: (progress: HubProgress) => void;
  /** Stops the download; what has arrived is kept for the next time. */
  signal?: AbortSignal;
}

/**
 * Finds the folder of a model: an existing folder as it is, `org/name[@revision]` from the cache or the hub.
 * Downloads go to the cache of Python's huggingface_hub, in parallel ranges, continue after an interruption and are checked
 * against the hub's hashes. With the network away, or a hub that refuses, the last known snapshot of the revision is used.
 *
 * @returns absolute path of a folder that holds config.json and the weights
 * @throws HubError; `code` tells the kind, the message what to do
 * @throws the signal's reason when it fires
 * @example const folder = await resolveModel("FlashVL/FlashVL-2B-Static-GRPO", { onProgress: ({ bytes }) => console.error(bytes) });
 */
export async function resolveModel(name: string, options: HubOptions = {}): Promise<string> {
  return resolveWith(realSystem, name, options);
}

/** `resolveModel` with the outside world as a parameter. */
export async function resolveWith(system: HubSystem, name: string, options: HubOptions): Promise<string> {
  const folder = await resolveFolder(system, name, options);
  // The model that an adapter belongs to is needed as much as the adapter. A circle of adapters is refused where it is opened.
  const seen = new Set<string>();
  for (let at = folder; (await isAdapterFolder(at)) && !seen.has(at); ) {
    seen.add(at);
    at = await adapterBase(at, (base) => resolveFolder(system, base, options));
  }
  return folder;
}

async function resolveFolder(system: HubSystem, name: string, options: HubOptions): Promise<string> {
  const asFolder = resolve(name);
  if (name !== "" && (await isFolder(asFolder))) return asFolder;
  if (/^[.~]{0,2}[/\\]|^\.{1,2}$/.test(name)) throw new HubError("not-found", `${name}: there is no such folder`);

  const model = parseModelName(name);
  const settings = await readSettings(options);
  let cache = new ModelCache(settings.cacheDir, model.repo, system);
  let cached = await wholeSnapshot(cache, model);
  if (!cached && !settings.cacheIsNamed) {
    // What a cache that is read-only holds is used; what it lacks has to go elsewhere.
    cache = new ModelCache(await writableFolder(settings.cacheDir, "hub"), model.repo, system);
    cached = await wholeSnapshot(cache, model);
  }
  // A commit never changes, so what was fetched once needs no question.
  if (cached && isCommit(model.revision)) return cached;
  if (settings.offline) return cached ?? refuseOffline(cache, model);

  const hub = { ...settings, system, signal: options.signal };
  let listing: Awaited<ReturnType<typeof listModel>>;
  try {
    // With something to fall back on, one try is enough.
    listing = await listModel(hub, model, cached ? 1 : undefined);
  } catch (error) {
    if (!cached || !(error instanceof HubError)) throw error;
    // As huggingface_hub: terms, tokens and repositories may change, what was fetched stays usable.
    if (error.code !== "network") note(`${error.message} Using what the cache holds, ${cached}.`);
    return cached;
  }
  return downloadModel(hub, cache, model, listing, options.onProgress);
}

/** The snapshot that the revision last pointed to, if it can be opened. */
async function wholeSnapshot(cache: ModelCache, { revision }: ModelName): Promise<string | undefined> {
  const commit = await cache.commitOf(revision);
  if (!commit) return undefined;
  const folder = cache.snapshot(commit);
  return (await missingFiles(folder)).length === 0 ? folder : undefined;
}

async function refuseOffline(cache: ModelCache, { repo, revision }: ModelName): Promise<never> {
  const commit = await cache.commitOf(revision);
  const missing = commit ? await missingFiles(cache.snapshot(commit)) : [];
  const found = missing.length > 0 ? `holds only part of it (${missing.join(", ")} missing)` : "does not hold it";
  throw new HubError(
    "offline",
    `${repo}@${revision}: the hub is switched off (HF_HUB_OFFLINE) and the cache ${cache.root} ${found}; fetch it once with the network on`,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
