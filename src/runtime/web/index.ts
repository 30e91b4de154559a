/** @file Door of the runtime for pages: over a build of onnxruntime-web that the page hands in, or that `loadOrt` loads. */
export { loadOrt } from "./load-ort.ts";
export type { OrtWeb } from "./ort-web.ts";
export { type WebRuntime, type WebSessionOptions, webRuntime } from "./web-runtime.ts";
