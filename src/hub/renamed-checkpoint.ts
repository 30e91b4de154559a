/** @file A checkpoint under other names: tensors that its files call otherwise, or keep several of in one piece. */
import type { Checkpoint } from "./checkpoint.ts";
import type { TensorInfo } from "./safetensors-header.ts";

/** A tensor of a file, and the names of the tensors that it holds, one after the other by rows. */
export interface HeldTensors {
  readonly name: string;
  readonly shape: readonly number[];
  readonly holds: readonly string[];
}

/**
 * The tensors that `stored` speaks of, by the names that it gives them; all others keep theirs. Nothing is read or copied: a
 * part of a tensor is a range of its bytes. Where a tensor has another shape than `stored` says, its parts show that of the file,
 * so that a check of shapes tells.
 * @example renamedCheckpoint(checkpoint, [{ name: "attn.qkv.weight", shape: [9, 3], holds: ["q.weight", "k.weight", "v.weight"] }])
 */
export function renamedCheckpoint(checkpoint: Checkpoint, stored: readonly HeldTensors[]): Checkpoint {
  const tensors = new Map(checkpoint.tensors);
  const places = new Map<string, { name: string; start: number }>();
  const fileNames = new Map<string, string>();
  for (const { name, shape, holds } of stored) {
    const info = checkpoint.tensors.get(name);
    tensors.delete(name);
    const fits = info && info.shape.length === shape.length && shape.every((size, axis) => size === info.shape[axis]);
    for (const [i, part] of holds.entries()) {
      fileNames.set(part, name);
      if (!info) continue;
      const bytes = fits ? info.bytes / holds.length : info.bytes;
      const start = fits ? i * bytes : 0;
      const own: TensorInfo = {
        ...info,
        shape: fits ? [shape[0]! / holds.length, ...shape.slice(1)] : info.shape,
        offset: info.offset + start,
        bytes,
      };
      tensors.set(part, own);
      places.set(part, { name, start });
    }
  }
  const readRange: Checkpoint["readRange"] = (name, start, end, target) => {
    const place = places.get(name);
    if (!place) return checkpoint.readRange(name, start, end, target);
    const { bytes } = tensors.get(name)!;
    if (!(start >= 0 && start <= end && end <= bytes))
      throw new RangeError(`${name}: bytes ${start} to ${end} are not within the ${bytes} of the tensor`);
    return checkpoint.readRange(place.name, place.start + start, place.start + end, target);
  };
  return {
    ...checkpoint,
    tensors,
    asStored: checkpoint,
    nameInFile: (name) => fileNames.get(name) ?? name,
    readTensor: async (name) =>
      places.has(name) ? readRange(name, 0, tensors.get(name)!.bytes) : checkpoint.readTensor(name),
    readRange: async (name, start, end, target) => readRange(name, start, end, target),
  };
}
