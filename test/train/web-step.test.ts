/** @file A training step runs over another runtime: onnxruntime-web gives the loss and the gradients of ONNX Runtime's library. */
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-web/wasm";
import { expect, test } from "vitest";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";
import { webRuntime } from "../../src/runtime/web/index.ts";
import { layOut } from "../../src/train/check/lay-out.ts";
import { readReference } from "../../src/train/check/reference.ts";
import { fillInputs } from "../../src/train/data/batches.ts";
import { createStepSession, sftGraph, type TrainingRuntime } from "../../src/train/index.ts";

const { config, store, samples } = await readReference(
  fileURLToPath(new URL("../golden/static-tiny", import.meta.url)),
);
const { shape, batches } = layOut(samples, {});

/** Loss and gradients of the first batch. */
async function step(on: TrainingRuntime) {
  const trained = store.parameters.map((p) => p.name);
  const session = await createStepSession(sftGraph(config, shape), store, { on, trained, threads: 1 });
  const weights = session.inputs.get("weights")!.data as Float32Array;
  fillInputs(session.inputs, batches[0]!, shape, config.windowTokens, (label) => {
    weights[label] = 1 / batches[0]!.trainedTokens;
  });
  await session.run();
  const [loss] = session.outputs.get("loss")!.data as Float32Array;
  const gradients = new Map([...session.gradients].map(([name, { data }]) => [name, data]));
  await session.dispose();
  return { loss: loss!, gradients };
}

test("loss and every gradient agree", async () => {
  const native = await step({ runtime: nativeRuntime() });
  const web = await step({ runtime: webRuntime(ort) });
  expect(web.loss).toBeCloseTo(native.loss, 5);
  expect(web.gradients.size).toBe(native.gradients.size);
  expect(web.gradients.size).toBeGreaterThan(50);
  const sizeOf = (data: Float32Array) => data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const largest = [...native.gradients.values()].reduce((most, data) => Math.max(most, sizeOf(data)), 0);
  for (const [name, gradient] of native.gradients) {
    const found = web.gradients.get(name)!;
    const differences = gradient.map((value, i) => value - found[i]!);
    expect(sizeOf(differences) / largest, name).toBeLessThan(1e-5);
  }
});
