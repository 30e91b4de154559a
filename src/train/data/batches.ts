/** @file From a stream of samples to full batches of fixed size, and from a batch to the inputs of a training graph. */

import type { SequenceShape } from "../../model/index.ts";
import type { Tensor } from "../../runtime/index.ts";
import { packBestFit } from "./pack.ts";
import { type Sequence, windowsOf } from "./sequence.ts";

/** Fixed size of a batch. */
export interface BatchShape extends SequenceShape {
  /** Trained tokens per step; unused places carry weight 0. */
  readonly labels: number;
}

export interface Batch {
  /** Samples of each row. */
  readonly rows: readonly (readonly Sequence[])[];
  /** Samples taken from the stream so far: where a resumed run goes on. */
  readonly cursor: number;
  readonly trainedTokens: number;
}

const count = (samples: readonly Sequence[], of: (s: Sequence) => number): number =>
  samples.reduce((n, s) => n + of(s), 0);

/** The rows for these samples, or undefined when they do not fit the shape. */
function packInto(samples: readonly Sequence[], shape: BatchShape): Sequence[][] | undefined {
  if (count(samples, windowsOf) > shape.images) return undefined;
  if (count(samples, (s) => s.targets.length) > shape.labels) return undefined;
  const bins = packBestFit(
    samples.map((s) => s.ids.length),
    shape.length,
  );
  return bins.length <= shape.rows ? bins.map((bin) => bin.map((i) => samples[i]!)) : undefined;
}

/**
 * Takes samples in order until the next one would not fit; that one begins the next batch. The same stream gives the same
 * batches, whatever the point it is resumed at, as long as that is a `cursor` of a batch.
 * @param most samples of a batch; as many as fit when left out
 * @throws RangeError when a single sample does not fit: filter those before
 */
export async function* toBatches(
  samples: AsyncIterable<Sequence>,
  shape: BatchShape,
  start: number,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<Batch> {
  let held = 0;
  let taken: Sequence[] = [];
  let rows: Sequence[][] = [];
  let cursor = start;
  const batch = (): Batch => ({ rows, cursor, trainedTokens: count(taken, (s) => s.targets.length) });
  for await (const sample of samples) {
    if (sample.ids.length === 0) {
      cursor++; // a row that is left out
      continue;
    }
    let packed = packInto([...taken, sample], shape);
    if (!packed) {
      if (taken.length > 0) yield batch();
      [taken, held] = [[], 0];
      packed = packInto([sample], shape);
      if (!packed)
        throw new RangeError(
          `a sample of ${sample.ids.length} tokens, ${windowsOf(sample)} pictures and ${sample.targets.length} trained tokens exceeds the batch (${shape.length}, ${shape.images}, ${shape.labels})`,
        );
    }
    taken.push(sample);
    rows = packed;
    cursor++;
    if (++held < most) continue;
    yield batch();
    [taken, rows, held] = [[], [], 0];
  }
  if (taken.length > 0) yield batch();
}

/** Batches of samples that are all there. @param most see `toBatches` */
export async function batchesOf(samples: Iterable<Sequence>, shape: BatchShape, most?: number): Promise<Batch[]> {
  const stream = async function* () {
    yield* samples;
  };
  const batches: Batch[] = [];
  for await (const batch of toBatches(stream(), shape, 0, most)) batches.push(batch);
  return batches;
}

/** The sample with its pictures: those that were not made yet are made now. */
export const loaded = async <T extends Sequence>(sample: T): Promise<T> =>
  sample.load ? { ...sample, pictures: await sample.load(), load: undefined } : sample;

/** The batch with all of its pictures: those that were not made yet are made now. */
export async function withPictures(batch: Batch): Promise<Batch> {
  const rows = await Promise.all(batch.rows.map((samples) => Promise.all(samples.map(loaded))));
  return { ...batch, rows };
}

/** The input of graphs that are given the pictures' tokens, float32 [images, windowTokens, hidden], in place of `pixels`. */
export const PICTURE_TOKENS = "picture_tokens";

/** Told of every trained token of a batch: its place among the labels, its sample, and which of the sample's targets it is. */
export type OnLabel = (label: number, sample: Sequence, target: number) => void;

/**
 * Writes a batch into the bound inputs of a training graph; unused places are zero.
 * @param windowTokens tokens of one window of a picture
 */
export function fillInputs(
  inputs: ReadonlyMap<string, Tensor>,
  batch: Batch,
  shape: BatchShape,
  windowTokens: number,
  onLabel: OnLabel = () => {},
): void {
  const data = <T>(name: string): T => {
    const tensor = inputs.get(name);
    if (!tensor) throw new Error(`the training graph has no input "${name}"`);
    return tensor.data as T;
  };
  const ids = data<BigInt64Array>("token_ids").fill(0n);
  const isImage = data<Uint8Array>("is_image").fill(0);
  const imageRows = data<BigInt64Array>("image_rows").fill(0n);
  const positions = data<BigInt64Array>("positions").fill(0n);
  const segments = data<Int32Array>("segments").fill(0);
  const branches = data<Int32Array>("branches").fill(0);
  const labelRows = data<BigInt64Array>("label_rows").fill(0n);
  const targets = data<BigInt64Array>("targets").fill(0n);
  const pictures = data<Float32Array>(inputs.has(PICTURE_TOKENS) ? PICTURE_TOKENS : "pixels");
  /** Numbers of one window. */
  const each = pictures.length / shape.images;
  let [image, label] = [0, 0];
  batch.rows.forEach((samples, row) => {
    let at = row * shape.length;
    samples.forEach((sample, s) => {
      let slot = image * windowTokens;
      for (const picture of sample.pictures) {
        pictures.set(picture, image * each);
        image += picture.length / each;
      }
      sample.targets.forEach(([before, id], k) => {
        labelRows[label] = BigInt(at + before);
        targets[label] = BigInt(id);
        onLabel(label++, sample, k);
      });
      sample.ids.forEach((id, i) => {
        if (id < 0) {
          isImage[at + i] = 1;
          imageRows[at + i] = BigInt(slot++);
        } else ids[at + i] = BigInt(id);
        positions[at + i] = BigInt(sample.positions[i]!);
        segments[at + i] = s + 1;
        branches[at + i] = sample.branches[i]!;
      });
      at += sample.ids.length;
    });
  });
}
