/** @file Loads the build of onnxruntime-web that a device needs. */
import type { OrtWeb } from "./ort-web.ts";

/**
 * The library; each build is a file of its own, so that a page loads one.
 * @param files address of the folder with the library's .wasm files, where the page's bundler does not place them
 * @example const runtime = webRuntime(await loadOrt("wasm"));
 */
export async function loadOrt(device: "wasm" | "webgpu", files?: string): Promise<OrtWeb> {
  const ort = device === "wasm" ? await import("onnxruntime-web/wasm") : await import("onnxruntime-web/webgpu");
  if (files !== undefined) ort.env.wasm.wasmPaths = files;
  return ort;
}
