/** @file The note beside compiled graphs that says what they were made from, by what, and how large every file is. */
import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

export const MANIFEST = "manifest.json";

export const { version: PACKAGE_VERSION } = createRequire(import.meta.url)("../../../package.json") as {
  version: string;
};

export interface Manifest {
  /** Version of this package. */
  flashvl: string;
  /** For example "onnxruntime 1.30.0". */
  runtime: string;
  preset: string;
  /** Folder of the checkpoint. */
  checkpoint: string;
  /** What `checkpointIdentity` said of it. */
  identity: string;
  /** Bytes of every file. */
  sizes: Record<string, number>;
}

/** The manifest of a folder in which every file has its size, otherwise undefined: disks get damaged. */
export async function wholeManifest(folder: string): Promise<Manifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, MANIFEST), "utf8")) as Manifest;
    for (const [name, size] of Object.entries(manifest.sizes))
      if ((await stat(join(folder, name))).size !== size) return undefined;
    return manifest;
  } catch {
    return undefined;
  }
}

/** Paths of the graphs in a folder. One that is not there by itself is the same as the decode graph. */
export function graphPaths(folder: string, has: (name: string) => boolean) {
  const at = (name: string) => join(folder, has(name) ? name : "decode.onnx");
  return { vision: at("vision.onnx"), prefill: at("prefill.onnx"), decode: at("decode.onnx") };
}
