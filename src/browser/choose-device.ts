/** @file Which device of this browser runs a model, and the runtime for it. */
import { RuntimeError } from "../runtime/index.ts";
import { loadOrt, type WebRuntime, webRuntime } from "../runtime/web/index.ts";
import type { WebDevice, WebManifest } from "./manifest.ts";
import type { WebSettings } from "./web-options.ts";

/** More threads than this do not make a small model faster. */
const MOST_THREADS = 4;

export interface ChosenDevice {
  device: WebDevice;
  runtime: WebRuntime;
  threads: number;
  fallbacks: string[];
}

/**
 * @throws RuntimeError "no-device" when the model was not exported for the device, or the browser has none that computes rightly
 */
export async function chooseDevice(manifest: WebManifest, options: WebSettings): Promise<ChosenDevice> {
  const { device: wanted = "wasm", runtimeFiles } = options;
  const fallbacks: string[] = [];
  const threads = chooseThreads(options.threads, fallbacks);
  if (wanted !== "wasm") {
    try {
      const { assertAdapter, assertComputesRightly } = await import("./check-adapter.ts");
      await assertAdapter(manifest);
      const runtime = webRuntime(await loadOrt("webgpu", runtimeFiles), { threads });
      await assertComputesRightly(runtime);
      return { device: "webgpu", runtime, threads, fallbacks };
    } catch (error) {
      if (wanted === "webgpu" || !(error instanceof RuntimeError)) throw error;
      fallbacks.push(`The model runs on the CPU: ${error.message}`);
    }
  }
  if (!manifest.graphs.wasm)
    throw new RuntimeError(
      `${manifest.name} was exported for ${Object.keys(manifest.graphs).join(", ")} alone, in preset ${manifest.preset}. Export it for wasm too, for example with --preset int8.`,
      "no-device",
    );
  return { device: "wasm", runtime: webRuntime(await loadOrt("wasm", runtimeFiles), { threads }), threads, fallbacks };
}

/** Threads need memory that they share, which a page has only when it is isolated. */
function chooseThreads(wanted: number | undefined, fallbacks: string[]): number {
  if (globalThis.crossOriginIsolated)
    return wanted ?? Math.max(1, Math.min(MOST_THREADS, (navigator.hardwareConcurrency ?? 2) >> 1));
  if (wanted !== undefined && wanted > 1)
    fallbacks.push(
      "The model runs in one thread: the page is not isolated. Serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.",
    );
  return 1;
}
