/** @file From a stream of samples to full batches of fixed size, and from a batch to the inputs of a training graph. */

import type { Tensor } from "../../engine/index.ts";
import type { SftShape } from "../sft-graph.ts";
import { packBestFit } from "./pack.ts";
import type { Sequence } from "./sequence.ts";

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
function packInto(samples: readonly Sequence[], shape: SftShape): Sequence[][] | undefined {
  if (count(samples, (s) => s.pictures.length) > shape.images) return undefined;
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
 * @throws RangeError when a single sample does not fit: filter those before
 */
export async function* toBatches(
  samples: AsyncIterable<Sequence>,
  shape: SftShape,
  start: number,
): AsyncGenerator<Batch> {
  let taken: Sequence[] = [];
  let rows: Sequence[][] = [];
  let cursor = start;
  const batch = (): Batch => ({ rows, cursor, trainedTokens: count(taken, (s) => s.targets.length) });
  for await (const sample of samples) {
    let packed = packInto([...taken, sample], shape);
    if (!packed) {
      if (taken.length > 0) yield batch();
      taken = [];
      packed = packInto([sample], shape);
      if (!packed)
        throw new RangeError(
          `a sample of ${sample.ids.length} tokens, ${sample.pictures.length} pictures and ${sample.targets.length} trained tokens exceeds the batch (${shape.length}, ${shape.images}, ${shape.labels})`,
        );
    }
    taken.push(sample);
    rows = packed;
    cursor++;
  }
  if (taken.length > 0) yield batch();
}

/** The input of graphs that are given the pictures' tokens, float32 [images, imageTokens, hidden], in place of `pixels`. */
export const PICTURE_TOKENS = "picture_tokens";

/** Told of every trained token of a batch: its place among the labels, its sample, and which of the sample's targets it is. */
export type OnLabel = (label: number, sample: Sequence, target: number) => void;

/** Writes a batch into the bound inputs of a training graph; unused places are zero. */
export function fillInputs(
  inputs: ReadonlyMap<string, Tensor>,
  batch: Batch,
  shape: SftShape,
  imageTokens: number,
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
  let [image, label] = [0, 0];
  batch.rows.forEach((samples, row) => {
    let at = row * shape.length;
    samples.forEach((sample, s) => {
      let slot = image * imageTokens;
      for (const picture of sample.pictures) pictures.set(picture, image++ * picture.length);
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
