/** @file Finds the ONNX Runtime shared library that ships inside onnxruntime-node. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * File names per platform and architecture. Checked on linux x64; the others follow the package's file list and
 * are untested here (linux arm64, macOS arm64, Windows x64 and arm64).
 */
const FILES: Readonly<Record<string, string>> = {
  "linux/x64": "libonnxruntime.so.1",
  "linux/arm64": "libonnxruntime.so.1",
  "darwin/arm64": "libonnxruntime.1.dylib",
  "win32/x64": "onnxruntime.dll",
  "win32/arm64": "onnxruntime.dll",
};

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
  const file = FILES[`${platform}/${arch}`];
  if (!file) {
    throw new Error(
      `onnxruntime-node has no library for ${platform}/${arch}; it has ${Object.keys(FILES).join(", ")}. Set FLASHVL_ORT_LIBRARY to a build of your own.`,
    );
  }
  const root = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  const path = join(root, "bin", "napi-v6", platform, arch, file);
  if (!existsSync(path)) {
    throw new Error(`ONNX Runtime's library is not at ${path}. Reinstall onnxruntime-node (npm install).`);
  }
  return path;
}
