/** @file Where benchmark data lies: VLMEvalKit's folder, or a download into it. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { fileHash } from "../../common/node.ts";
import { downloadFile, type FileProgress } from "../../hub/index.ts";
import type { SetDefinition } from "../../vlmeval/index.ts";
import { withCode } from "../with-code.ts";

/** The MD5 of a file, in hexadecimal. @throws the signal's reason */
export async function fileMd5(path: string, signal?: AbortSignal): Promise<string> {
  try {
    return await fileHash(path, "md5", signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** `$LMUData` if it is set and exists, else `~/LMUData`. */
export function lmuDataFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = environment.LMUData;
  return named && existsSync(named) ? named : join(homedir(), "LMUData");
}

export interface FindDataOptions {
  folder?: string;
  /** Never download. */
  offline?: boolean;
  onProgress?: (progress: FileProgress) => void;
  signal?: AbortSignal;
}

export interface FoundData {
  path: string;
  md5: string;
  /** False when the file differs from the published one; it is used all the same. */
  asPublished: boolean;
}

const EXTENSIONS = [".tsv", ".jsonl", ".parquet"];

/**
 * The data file of a set. A file under the set's name, or under its address' name with the published MD5, is used where
 * it lies: sets that share a file never move it from each other. A file that differs from the published one is used
 * with a warning, never downloaded over.
 *
 * @throws if there is no such file and none may or can be downloaded
 * @example const { path } = await findData(findSet("MMStar")!, {});
 */
export async function findData(
  set: Pick<SetDefinition, "name" | "url" | "md5">,
  options: FindDataOptions = {},
): Promise<FoundData> {
  const folder = options.folder ?? lmuDataFolder();
  const own = EXTENSIONS.map((extension) => join(folder, set.name + extension)).find((path) => existsSync(path));
  const shared = set.url === undefined ? undefined : join(folder, basename(new URL(set.url).pathname));
  const found = async (path: string): Promise<FoundData> => {
    const md5 = await fileMd5(path, options.signal);
    return { path, md5, asPublished: set.md5 === undefined || md5 === set.md5 };
  };
  if (own !== undefined) return found(own);
  if (shared !== undefined && existsSync(shared)) {
    const candidate = await found(shared);
    if (candidate.asPublished) return candidate;
  }
  if (set.url === undefined || options.offline) {
    const why = set.url === undefined ? "it has no known address" : "downloads are off";
    throw withCode(
      "not-found",
      `${set.name}: no data file in ${folder} and ${why}. Put ${set.name}.tsv there, or name another folder.`,
    );
  }
  const path = join(folder, basename(new URL(set.url).pathname));
  await downloadFile(set.url, path, { md5: set.md5, onProgress: options.onProgress, signal: options.signal });
  return found(path);
}
