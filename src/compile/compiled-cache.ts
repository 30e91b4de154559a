/** @file What the cache of compiled graphs holds, and what of it nobody can use any more. */
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { isLocked, temporaryBeside, withLock } from "../common/node.ts";
import { HubError, openCheckpoint } from "../hub/index.ts";
import { writableCacheFolder } from "./cache-folder.ts";
import { checkpointIdentity } from "./identity.ts";
import { damagedFiles, forgetMark, PACKAGE_VERSION, wholeManifest } from "./manifest.ts";

/**
 * "current": a start may find it. "busy": somebody is writing it. All others are of no use: made by another version of
 * this package or of ONNX Runtime, from a checkpoint that is gone or has changed, incomplete, or with other bytes than
 * were written, which only `check` finds out.
 */
export type CompiledState =
  | "current"
  | "busy"
  | "other-version"
  | "checkpoint-gone"
  | "checkpoint-changed"
  | "damaged"
  | "incomplete";

/** One folder of the cache. */
export interface CompiledEntry {
  folder: string;
  bytes: number;
  state: CompiledState;
  /** When it was written. */
  date: Date;
  /** What the manifest says; undefined where there is none that fits the files. */
  preset?: string;
  checkpoint?: string;
  /** Package and runtime, for example "flashvl 0.1.0, onnxruntime 1.30.0". */
  versions?: string;
}

export interface CompiledCacheOptions {
  cacheDir?: string;
  /** The version of ONNX Runtime in use, `nativeRuntime().version`. */
  runtimeVersion: string;
  /** Read all files and compare them with their checksums. */
  check?: boolean;
  signal?: AbortSignal;
}

/**
 * The folders of the cache, the latest first; none when there is no cache yet.
 * @example for (const { folder, bytes, state } of await listCompiled({ runtimeVersion })) console.log(folder, bytes, state);
 */
export async function listCompiled(options: CompiledCacheOptions): Promise<CompiledEntry[]> {
  const root = join(await writableCacheFolder(options.cacheDir), "compiled");
  const names = await readdir(root, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const folders = names.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name));
  const entries: (CompiledEntry | undefined)[] = [];
  for (const folder of folders) entries.push(await describe(folder, options));
  return entries.filter((entry) => entry !== undefined).sort((a, b) => b.date.getTime() - a.date.getTime());
}

/**
 * Removes what is of no use to this version, or with `all` everything that is not being written. Checkpoints stay: what is
 * needed again is compiled again.
 * @returns what was removed
 * @example const freed = (await pruneCompiled({ runtimeVersion })).reduce((sum, { bytes }) => sum + bytes, 0);
 */
export async function pruneCompiled({
  all = false,
  ...options
}: CompiledCacheOptions & { all?: boolean }): Promise<CompiledEntry[]> {
  const removed: CompiledEntry[] = [];
  for (const entry of await listCompiled(options)) {
    if (entry.state === "busy" || (entry.state === "current" && !all)) continue;
    await withLock(lockOf(entry.folder), { what: `clearing ${entry.folder}` }, async () => {
      // Renamed first: a start finds the folder whole or not at all.
      const gone = temporaryBeside(ownerOf(entry.folder));
      await rename(entry.folder, gone).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
      await rm(gone, { recursive: true, force: true });
      await forgetMark(entry.folder, options.cacheDir);
    });
    removed.push(entry);
  }
  return removed;
}

/** A temporary folder belongs to the folder that it was to become, and to its lock. */
const ownerOf = (folder: string): string => folder.replace(/\.tmp-[^/\\]*$/, "");
const lockOf = (folder: string): string => `${ownerOf(folder)}.lock`;

async function describe(
  folder: string,
  { runtimeVersion, check = false, signal }: CompiledCacheOptions,
): Promise<CompiledEntry | undefined> {
  try {
    const files = await readdir(folder);
    const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
    const about = {
      folder,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      date: (await stat(folder)).mtime,
    };
    if (await isLocked(lockOf(folder))) return { ...about, state: "busy" };
    const manifest = basename(folder).includes(".tmp-") ? undefined : await wholeManifest(folder);
    if (!manifest) return { ...about, state: "incomplete" };
    const { flashvl, runtime, preset, checkpoint, identity } = manifest;
    const ours = flashvl === PACKAGE_VERSION && runtime === runtimeVersion;
    const damaged = check && (await damagedFiles(folder, manifest, signal)).length > 0;
    const state = damaged ? "damaged" : ours ? await checkpointState(checkpoint, identity) : "other-version";
    return { ...about, state, preset, checkpoint, versions: `flashvl ${flashvl}, ${runtime}` };
  } catch (error) {
    // Somebody else removed it meanwhile.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function checkpointState(folder: string, identity: string): Promise<CompiledState> {
  try {
    const checkpoint = await openCheckpoint(folder);
    const found = await checkpointIdentity(checkpoint).finally(() => checkpoint.close());
    return found === identity ? "current" : "checkpoint-changed";
  } catch (error) {
    // A folder without its files is as gone as one that is not there.
    if (error instanceof HubError || (error as NodeJS.ErrnoException).code === "ENOENT") return "checkpoint-gone";
    return "checkpoint-changed";
  }
}
