/** @file A folder of reference numbers for training, laid out like test/golden/static-tiny: a checkpoint and what PyTorch made of it. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { openModelCheckpoint, readCheckpoint } from "../../compile/index.ts";
import { openSafetensors, type SafetensorsFile, toF32 } from "../../hub/index.ts";
import type { ModelChoices, ModelConfig, StoredTensor } from "../../model/index.ts";
import { PictureCache } from "../data/picture-cache.ts";
import { type Sequence, toSequence } from "../data/sequence.ts";
import { TrainingInputError } from "../input-error.ts";
import { loadParameters, type ParameterStore } from "../parameter-store.ts";

const fraction = z.number().min(0).lt(1);
const sftSchema = z.object({
  batch: z
    .array(
      z.object({
        input_ids: z.array(z.number().int()),
        labels: z.array(z.number().int()),
        image: z.union([z.string(), z.array(z.string())]).nullish(),
      }),
    )
    .min(1),
  /** Before each step, and after the last. */
  losses: z.array(z.number()).min(1),
  grad_norm: z.number().optional(),
  optimizer: z.object({
    lr: z.number().positive(),
    betas: z.tuple([fraction, fraction]),
    eps: z.number().positive(),
    weight_decay: z.number().nonnegative(),
  }),
});

export type Tensors = ReadonlyMap<string, Float32Array>;

export interface TrainingReference {
  readonly config: ModelConfig;
  /** The checkpoint's weights; training them changes this store. */
  readonly store: ParameterStore;
  readonly samples: readonly Sequence[];
  readonly losses: readonly number[];
  readonly gradNorm?: number;
  readonly optimizer: z.infer<typeof sftSchema>["optimizer"];
  /** Gradients at the first step. */
  readonly gradients: Tensors;
  /** Weights after `steps` updates. */
  readonly after: Tensors;
  readonly steps: number;
}

async function readAll(path: string): Promise<Tensors> {
  const file = await openSafetensors(path);
  try {
    const entries = [...file.tensors].map(
      async ([name, { dtype }]) => [name, toF32(await file.readTensor(name), dtype)] as const,
    );
    return new Map(await Promise.all(entries));
  } finally {
    await file.close();
  }
}

/** The same tensors by the model's names, those that files keep in one piece apart. */
function byModelNames(tensors: Tensors, layout: readonly StoredTensor[]): Tensors {
  const named = new Map(tensors);
  for (const { name, holds } of layout) {
    const whole = named.get(name);
    if (!whole) continue;
    named.delete(name);
    const each = whole.length / holds.length;
    for (const [i, part] of holds.entries()) named.set(part, whole.subarray(i * each, (i + 1) * each));
  }
  return named;
}

/** The model's pixels of a picture, as the reference stored them, else made from the file; and how many windows they are. */
async function pixelsOf(folder: string, image: string, pictures: PictureCache, stored: SafetensorsFile | undefined) {
  const { plan, pixels } = await pictures.plan(join(folder, "images", image));
  const name = `pixels/${image}`;
  const info = stored?.tensors.get(name);
  const data = info ? toF32(await stored!.readTensor(name), info.dtype) : await pixels();
  return { data, windows: plan.windows };
}

const AFTER = /^sft_after(\d+)\.safetensors$/;

/**
 * Reads the reference numbers of a folder: expected.json ("sft"), sft_gradients.safetensors, sft_after<N>.safetensors.
 * @throws Error naming the file or key that is missing or malformed
 */
export async function readReference(folder: string, choices: ModelChoices = {}): Promise<TrainingReference> {
  const files = await readdir(folder);
  const afterFile = files.find((f) => AFTER.test(f));
  if (!afterFile)
    throw new TrainingInputError(`${folder}: there is no sft_after<steps>.safetensors, so nothing to compare with`);
  const { checkpoint, config } = await openModelCheckpoint(folder, choices);
  const stored = files.includes("expected.safetensors")
    ? await openSafetensors(join(folder, "expected.safetensors"))
    : undefined;
  try {
    const { preprocessor } = await readCheckpoint(checkpoint, config);
    const cache = new PictureCache({ config, preprocessor });
    const expected = (await checkpoint.readJson("expected.json")) as { sft?: unknown } | undefined;
    const parsed = sftSchema.safeParse(expected?.sft);
    if (!parsed.success)
      throw new TrainingInputError(
        `${join(folder, "expected.json")}: "sft" is not a reference: ${z.prettifyError(parsed.error)}`,
      );
    const { batch, losses, grad_norm, optimizer } = parsed.data;
    const samples = await Promise.all(
      batch.map(async ({ input_ids, labels, image }) => {
        const pictures = await Promise.all([image ?? []].flat().map((i) => pixelsOf(folder, i, cache, stored)));
        const data = pictures.map((picture) => picture.data);
        const windows = pictures.map((picture) => picture.windows);
        return toSequence([{ ids: input_ids, labels }], data, windows);
      }),
    );
    const store = await loadParameters(config, checkpoint);
    return {
      config,
      store,
      samples,
      losses,
      gradNorm: grad_norm,
      optimizer,
      gradients: byModelNames(await readAll(join(folder, "sft_gradients.safetensors")), store.layout),
      after: byModelNames(await readAll(join(folder, afterFile)), store.layout),
      steps: Number(AFTER.exec(afterFile)![1]),
    };
  } finally {
    await checkpoint.close();
    await stored?.close();
  }
}
