/** @file Whether a GPU runs a model and computes rightly: apart, since only pages that want a GPU need it. */
import { checkDevice } from "../engine/index.ts";
import { type Runtime, RuntimeError } from "../runtime/index.ts";
import type { WebManifest } from "./manifest.ts";

interface Adapter {
  readonly features: ReadonlySet<string>;
}

/** @throws RuntimeError when there are no graphs for a GPU, or no GPU for them */
export async function assertAdapter(manifest: WebManifest): Promise<void> {
  const refuse = (message: string) => new RuntimeError(message, "no-device");
  const graphs = manifest.graphs.webgpu;
  if (!graphs)
    throw refuse(`${manifest.name} was exported without graphs for WebGPU. Export it again without --device wasm.`);
  const { gpu } = navigator as unknown as { gpu?: { requestAdapter(): Promise<Adapter | null> } };
  if (!gpu) throw refuse('This browser has no WebGPU. Use device "wasm".');
  const adapter = await gpu.requestAdapter();
  if (!adapter)
    throw refuse('This browser has WebGPU, but no adapter for it: no GPU that it trusts. Use device "wasm".');
  if (graphs.float16 && !adapter.features.has("shader-f16"))
    throw refuse(
      `The model was exported in ${manifest.preset}, and this GPU has no float16 (shader-f16). Export it in fp32, int8 or int4.`,
    );
}

/** @throws RuntimeError when the GPU computes attention otherwise than the CPU */
export const assertComputesRightly = (runtime: Runtime): Promise<void> => checkDevice(runtime, "webgpu");
