/** @file The note beside compiled graphs that says what they were made from, by what, and what every file holds. */
import { createHash } from "node:crypto";
import { readFile, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { uptime } from "node:os";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { fileHash, makeFolder, readState, writeState, writeWhole } from "../common/node.ts";
import { compileCacheFolder } from "./cache-folder.ts";

const FILE = "manifest.json";
const VERSION = 2;

export const { version: PACKAGE_VERSION } = createRequire(import.meta.url)("../../package.json") as {
  version: string;
};

const schema = z.object({
  /** Version of this package. */
  flashvl: z.string(),
  /** For example "onnxruntime 1.30.0". */
  runtime: z.string(),
  preset: z.string(),
  /** Folder of the checkpoint. */
  checkpoint: z.string(),
  /** What `checkpointIdentity` said of it. */
  identity: z.string(),
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
});
export type Manifest = z.infer<typeof schema>;

/** Writes and returns the manifest of a folder that holds the files `names`. */
export async function writeManifest(
  folder: string,
  about: Omit<Manifest, "files">,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<Manifest> {
  const files: Manifest["files"] = {};
  for (const name of names) {
    const path = join(folder, name);
    files[name] = { bytes: (await stat(path)).size, sha256: await fileHash(path, "sha256", signal) };
  }
  const manifest = { ...about, files };
  await writeState(join(folder, FILE), VERSION, manifest);
  return manifest;
}

/** The manifest of a folder in which every file has its size, otherwise undefined: disks get damaged. */
export async function wholeManifest(folder: string): Promise<Manifest | undefined> {
  try {
    const manifest = await readState(join(folder, FILE), VERSION, (found) => schema.parse(found), "");
    for (const [name, { bytes }] of Object.entries(manifest?.files ?? {}))
      if ((await stat(join(folder, name))).size !== bytes) return undefined;
    return manifest;
  } catch {
    return undefined;
  }
}

/** The names of files that are not what was written; reads them all. */
export async function damagedFiles(folder: string, { files }: Manifest, signal?: AbortSignal): Promise<string[]> {
  const damaged: string[] = [];
  for (const [name, { sha256 }] of Object.entries(files)) {
    const found = await fileHash(join(folder, name), "sha256", signal).catch((error: NodeJS.ErrnoException) => {
      if (signal?.aborted) throw error;
      return error.code; // a file that cannot be read is damaged too
    });
    if (found !== sha256) damaged.push(name);
  }
  return damaged;
}

/**
 * `damagedFiles`, but the files are read only once per start of the machine, or when they have been changed since.
 * @param cacheDir where it is remembered that they were read
 */
export async function damagedSinceBoot(
  folder: string,
  manifest: Manifest,
  { cacheDir, signal }: { cacheDir?: string; signal?: AbortSignal } = {},
): Promise<string[]> {
  const mark = await markOf(folder, manifest);
  const path = markPath(folder, cacheDir);
  if ((await readFile(path, "utf8").catch(() => "")) === mark) return [];
  const damaged = await damagedFiles(folder, manifest, signal);
  if (damaged.length === 0) await remember(path, mark);
  return damaged;
}

/** Notes that the files have just been written, so that this start of the machine need not read them again. */
export async function markWhole(folder: string, manifest: Manifest, cacheDir?: string): Promise<void> {
  await remember(markPath(folder, cacheDir), await markOf(folder, manifest));
}

/** Forgets a folder that is removed. */
export const forgetMark = (folder: string, cacheDir?: string): Promise<void> =>
  rm(markPath(folder, cacheDir), { force: true });

async function remember(path: string, mark: string): Promise<void> {
  try {
    await makeFolder(dirname(path));
    await writeWhole(path, mark);
  } catch {
    // A cache that cannot be written is read again at the next start.
  }
}

const markPath = (folder: string, cacheDir?: string): string =>
  join(
    compileCacheFolder(cacheDir),
    "checked",
    createHash("sha256").update(resolve(folder)).digest("hex").slice(0, 32),
  );

/** Changes with each start of the machine and with each change of a file. */
async function markOf(folder: string, { files }: Manifest): Promise<string> {
  const states = Object.keys(files).map(async (name) => {
    const { size, mtimeMs, ctimeMs, ino } = await stat(join(folder, name));
    return `${name} ${size} ${mtimeMs} ${ctimeMs} ${ino}`;
  });
  return [await bootId(), ...(await Promise.all(states))].join("\n");
}

/** Where the system does not tell, the time of the start to ten minutes: another value costs one more reading. */
const bootId = (): Promise<string> =>
  readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() =>
    String(Math.round((Date.now() / 1000 - uptime()) / 600)),
  );

/** Paths of the graphs in a folder. One that is not there by itself is the same as the decode graph. */
export function graphPaths(folder: string, has: (name: string) => boolean) {
  const at = (name: string) => join(folder, has(name) ? name : "decode.onnx");
  return { vision: at("vision.onnx"), prefill: at("prefill.onnx"), decode: at("decode.onnx") };
}
