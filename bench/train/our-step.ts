/** @file One side of the training benchmark: answers every line "step" on stdin with one line of JSON. Arguments: FOLDER THREADS PRECISION [PROFILE]. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openModelCheckpoint } from "../../src/compile/index.ts";
import type { Precision } from "../../src/passes/index.ts";
import { fillInputs } from "../../src/train/data/batches.ts";
import { createStepSession, loadParameters, nativeTraining, type Sequence, sftGraph } from "../../src/train/index.ts";
import { Optimizer } from "../../src/train/optim/optimizer.ts";
import type { BenchBatch } from "./make-batch.ts";

const [folder, threads, precision, profilePrefix] = process.argv.slice(2) as [string, string, Precision, string?];
const { checkpoint, config } = await openModelCheckpoint(folder);
const store = await loadParameters(config, checkpoint);
const { ids, targets } = (await checkpoint.readJson("batch.json")) as BenchBatch;
await checkpoint.close();
const raw = readFileSync(join(folder, "pixels.f32"));
const pixels = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
const perPicture = pixels.length / ids.length;
const samples: Sequence[] = ids.map((row, r) => ({
  ids: row,
  positions: row.map((_, i) => i),
  branches: row.map(() => 0),
  targets: targets[r]!,
  pictures: [pixels.subarray(r * perPicture, (r + 1) * perPicture)],
}));
const labels = targets.flat().length;
const shape = { images: ids.length, rows: ids.length, length: ids[0]!.length, labels, headChunk: labels };
const trained = store.parameters.map((p) => p.name);
const on = nativeTraining();
const session = await createStepSession(sftGraph(config, shape), store, {
  on,
  threads: Number(threads),
  trained,
  precision,
  profilePrefix,
});
const gradients = new Map([...session.gradients].map(([name, t]) => [name, t.data]));
const optimizer = new Optimizer(store, trained, {
  learningRate: 1e-3,
  schedule: { kind: "constant", warmupSteps: 0, totalSteps: 1 },
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxNorm: 1,
});
const weights = session.inputs.get("weights")!.data as Float32Array;
const batch = { rows: samples.map((s) => [s]), cursor: 0, trainedTokens: labels };
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
const answer = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
const parameters = store.parameters.reduce((n, p) => n + store.get(p.name).length, 0);
answer({ ready: process.version, parameters });
for await (const _ of createInterface({ input: process.stdin })) {
  const started = performance.now();
  fillInputs(session.inputs, batch, shape, config.windowTokens, (label) => {
    weights[label] = 1 / labels;
  });
  const filled = performance.now();
  await session.run();
  const ran = performance.now();
  optimizer.update(gradients);
  const ended = performance.now();
  const loss = (session.outputs.get("loss")!.data as Float32Array)[0]!;
  const parts = { fillMs: filled - started, runMs: ran - filled, optimizerMs: ended - ran };
  answer({ ms: ended - started, loss, peakBytes: peak(), ...parts });
}
await session.dispose();
