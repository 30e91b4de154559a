/** @file Finds the ONNX Runtime shared library that ships with this package. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * File names per platform and architecture. Checked on linux x64; the others follow onnxruntime-node's file list and
 * are untested here (linux arm64, macOS arm64, Windows x64 and arm64).
 */
const FILES = new Map<string, string>(
  Object.entries({
    "linux/x64": "libonnxruntime.so.1",
    "linux/arm64": "libonnxruntime.so.1",
    "darwin/arm64": "libonnxruntime.1.dylib",
    "win32/x64": "onnxruntime.dll",
    "win32/arm64": "onnxruntime.dll",
  }),
);

/**
 * Path of the shared library to load. `FLASHVL_ORT_LIBRARY` names another build (for example one with CUDA).
 * @throws Error when the platform has no build or the file is missing.
 * @example const path = ortLibraryPath();
 */
export function ortLibraryPath(platform: string = process.platform, arch: string = process.arch): string {
  const chosen = process.env.FLASHVL_ORT_LIBRARY;
  if (chosen) {
    if (!existsSync(chosen)) {
      throw new Error(
        `FLASHVL_ORT_LIBRARY names "${chosen}", which does not exist. Unset it or point it at libonnxruntime.`,
      );
    }
    return chosen;
  }
  const file = FILES.get(`${platform}/${arch}`);
  if (!file) {
    throw new Error(
      `This package has no library for ${platform}/${arch}; it has ${[...FILES.keys()].join(", ")}. Set FLASHVL_ORT_LIBRARY to a build of your own.`,
    );
  }
  const published = fileURLToPath(new URL(`../../../onnxruntime/${platform}-${arch}/${file}`, import.meta.url));
  if (existsSync(published)) return published;
  const path = join(developmentFolder(published), "bin", "napi-v6", platform, arch, file);
  if (!existsSync(path)) {
    throw new Error(`ONNX Runtime's library is not at ${path}. Reinstall onnxruntime-node (npm install).`);
  }
  return path;
}

/** In the repository the libraries are still in the package that they are published from. */
function developmentFolder(published: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  } catch (cause) {
    throw new Error(`ONNX Runtime's library is not at ${published}. Reinstall flashvl.`, { cause });
  }
}
