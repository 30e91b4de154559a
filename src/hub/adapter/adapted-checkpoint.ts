/** @file A checkpoint with an adapter folded into it as its tensors are read: nothing is written, little is held in memory. */
import { join } from "node:path";
import { mergeLora, toF32 } from "../../common/index.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { DTYPE_BYTES } from "../dtype.ts";
import { CheckpointError } from "../errors.ts";
import { openSafetensors, type SafetensorsFile } from "../open-safetensors.ts";
import type { TensorInfo } from "../safetensors-header.ts";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, type AdapterConfig, readAdapterConfig } from "./adapter-config.ts";

/** Names of the two halves of one layer's adapter, in the adapter's file. */
interface Pair {
  readonly a: string;
  readonly b: string;
}

const NAME = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/;

/** The adapted weights by name. @throws CheckpointError naming the tensor that has no partner or does not fit */
function pairsOf(file: SafetensorsFile, { rank }: AdapterConfig, base: Checkpoint): Map<string, Pair> {
  const halves = new Map<string, { A?: string; B?: string }>();
  for (const name of file.tensors.keys()) {
    const match = NAME.exec(name);
    if (!match)
      throw new CheckpointError(
        file.path,
        `"${name}" is not named as PEFT names LoRA tensors (base_model.model.….lora_A.weight)`,
        name,
      );
    const weight = `${match[1]}.weight`;
    const half = halves.get(weight) ?? {};
    half[match[2] as "A" | "B"] = name;
    halves.set(weight, half);
  }
  const shapeOf = (name: string) => file.tensors.get(name)!.shape;
  return new Map(
    [...halves].map(([weight, { A, B }]) => {
      if (!A || !B)
        throw new CheckpointError(file.path, `${weight} has only ${A ? "lora_A" : "lora_B"}, expected both`, weight);
      const info = base.tensors.get(weight);
      if (!info)
        throw new CheckpointError(
          file.path,
          `${base.folder} has no tensor "${weight}", which the adapter changes: is it another model's?`,
          weight,
        );
      const [a, b] = [shapeOf(A), shapeOf(B)];
      const fits = a.length === 2 && b.length === 2 && a[0] === rank && b[1] === rank;
      if (!fits)
        throw new CheckpointError(
          file.path,
          `the tensors of ${weight} are [${a}] and [${b}], not of rank ${rank} as ${ADAPTER_CONFIG} says`,
          weight,
        );
      if (info.shape.length !== 2 || info.shape[0] !== b[0] || info.shape[1] !== a[1])
        throw new CheckpointError(
          file.path,
          `${weight} is [${info.shape}] in ${base.folder}, but [${b[0]}, ${a[1]}] in the adapter`,
          weight,
        );
      return [weight, { a: A, b: B }];
    }),
  );
}

/**
 * The model of `base` with the adapter of `folder`: W + alpha/rank · B·A in float32 where the adapter changes a weight, the
 * base's own bytes elsewhere. Closing it closes `base`.
 * @throws CheckpointError naming the key or tensor that is missing, does not fit, or is of a kind that is not supported
 */
export async function adaptedCheckpoint(folder: string, base: Checkpoint): Promise<Checkpoint> {
  const config = await readAdapterConfig(folder);
  const file = await openSafetensors(join(folder, ADAPTER_WEIGHTS));
  try {
    const pairs = pairsOf(file, config, base);
    const read = async (name: string) => toF32(await file.readTensor(name), file.tensors.get(name)!.dtype);
    const tensors = new Map(
      [...base.tensors].map(([name, info]): [string, TensorInfo] => {
        const pair = pairs.get(name);
        if (!pair) return [name, info];
        const count = info.shape[0]! * info.shape[1]!;
        return [name, { ...info, dtype: "F32", file: file.path, bytes: 4 * count }];
      }),
    );

    /** Rows [first, last) of an adapted weight. */
    const rows = async (name: string, { a, b }: Pair, first: number, last: number): Promise<Float32Array> => {
      const { shape, dtype } = base.tensors.get(name)!;
      const rowBytes = shape[1]! * DTYPE_BYTES[dtype];
      const [own, down, up] = await Promise.all([
        base.readRange(name, first * rowBytes, last * rowBytes),
        read(a),
        read(b),
      ]);
      const weight = toF32(own, dtype, new Float32Array((last - first) * shape[1]!));
      mergeLora(weight, down, up.subarray(first * config.rank, last * config.rank), config);
      return weight;
    };

    const readRange = async (name: string, start: number, end: number, target?: Uint8Array): Promise<Uint8Array> => {
      const pair = pairs.get(name);
      if (!pair) return base.readRange(name, start, end, target);
      const { shape, bytes } = tensors.get(name)!;
      if (!(start >= 0 && start <= end && end <= bytes))
        throw new RangeError(`${name}: bytes ${start} to ${end} are not within the ${bytes} of the tensor`);
      const rowBytes = shape[1]! * 4;
      const first = Math.floor(start / rowBytes);
      const weight = await rows(name, pair, first, Math.ceil(end / rowBytes));
      const found = new Uint8Array(weight.buffer, start - first * rowBytes, end - start);
      if (!target) return found.slice();
      target.set(found);
      return target;
    };

    return {
      ...base,
      folder,
      tensors,
      files: [...base.files, file.path, join(folder, ADAPTER_CONFIG)],
      readTensor: (name) => (pairs.has(name) ? readRange(name, 0, tensors.get(name)!.bytes) : base.readTensor(name)),
      readRange,
      async close() {
        await Promise.all([file.close(), base.close()]);
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
