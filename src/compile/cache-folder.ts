/** @file Where compiled graphs are kept. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { writableFolder } from "../common/node.ts";

/**
 * The folder for compiled graphs: the option, else FLASHVL_CACHE, else `flashvl` in XDG_CACHE_HOME or ~/.cache.
 * @example compileCacheFolder() // "/home/me/.cache/flashvl"
 */
export function compileCacheFolder(cacheDir?: string, environment: NodeJS.ProcessEnv = process.env): string {
  const { FLASHVL_CACHE, XDG_CACHE_HOME } = environment;
  return resolve(cacheDir ?? (FLASHVL_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "flashvl")));
}

/**
 * The same folder, made if need be. Where the one in the home folder cannot be written, one in the temporary folder
 * serves, with a note; a folder that was named has to be right.
 * @example const folder = await writableCacheFolder(options.cacheDir);
 */
export async function writableCacheFolder(cacheDir?: string): Promise<string> {
  const folder = compileCacheFolder(cacheDir);
  return cacheDir || process.env.FLASHVL_CACHE ? folder : writableFolder(folder, "cache");
}
