/** @file Where compiled graphs are kept. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * The folder for compiled graphs: the option, else FLASHVL_CACHE, else `flashvl` in XDG_CACHE_HOME or ~/.cache.
 * @example compileCacheFolder() // "/home/me/.cache/flashvl"
 */
export function compileCacheFolder(cacheDir?: string, environment: NodeJS.ProcessEnv = process.env): string {
  const { FLASHVL_CACHE, XDG_CACHE_HOME } = environment;
  return resolve(cacheDir ?? (FLASHVL_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "flashvl")));
}
