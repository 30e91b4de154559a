/** @file What both sides of the training benchmark train on: a random model and a random batch, written to a folder. */

import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "../../src/common/index.ts";
import { writeSafetensors } from "../../src/hub/index.ts";
import { parseConfig } from "../../src/model/index.ts";
import { ParameterStore, usedParameters } from "../../src/train/index.ts";
import { initialize } from "../../src/train/initialize.ts";
import { publishedTensors } from "../../src/train/run/training-state.ts";

export interface BenchBatch {
  /** [rows][length], negative in picture slots. */
  readonly ids: number[][];
  /** Per row: index of the token that predicts, and the id predicted. */
  readonly targets: [number, number][][];
}

/** Each row is one sample: a picture, then text of which the last half is trained. */
export async function makeBatch(folder: string, modelFolder: string, rows: number, length: number): Promise<void> {
  const config = parseConfig(JSON.parse(await readFile(join(modelFolder, "config.json"), "utf8")));
  const random = new Random(1);
  const store = new ParameterStore(usedParameters(config));
  initialize(store, random);
  await copyFile(join(modelFolder, "config.json"), join(folder, "config.json"));
  await writeSafetensors(join(folder, "model.safetensors"), publishedTensors(store), { format: "pt" });
  const slots = config.windowTokens;
  if (length < slots + 4)
    throw new RangeError(`a row of ${length} tokens has no room for a picture of ${slots} and text`);
  const ids = Array.from({ length: rows }, () =>
    Array.from({ length }, (_, i) => (i < slots ? (i === 0 ? -200 : -201) : random.below(config.decoder.vocabSize))),
  );
  const firstTrained = slots + Math.ceil((length - slots) / 2);
  const targets = ids.map((row) =>
    row.flatMap((id, i): [number, number][] => (i >= firstTrained ? [[i - 1, id]] : [])),
  );
  await writeFile(join(folder, "batch.json"), JSON.stringify({ ids, targets } satisfies BenchBatch));
  const pixels = Float32Array.from({ length: rows * 3 * config.vision.imageSize ** 2 }, () => random.normal());
  await writeFile(join(folder, "pixels.f32"), new Uint8Array(pixels.buffer));
}
