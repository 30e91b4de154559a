/** @file Writes what stage 0 has learnt, tower and head in bf16, to a small file that a later run can start from. */

import { join } from "node:path";
import { f32ToBf16, openSafetensors, writeSafetensors } from "../../src/hub/index.ts";

const [from = "runs/tiny/0-see/last", to = join(import.meta.dirname, "start/0-see.safetensors")] =
  process.argv.slice(2);
const state = await openSafetensors(join(from, "training.safetensors"));
const model = await openSafetensors(join(from, "model.safetensors"));
const tensors = await Promise.all(
  [...state.tensors.keys()]
    .filter((name) => /^weight\.(vit|see)\./.test(name))
    .map(async (name) => {
      const bytes = await state.readTensor(name);
      const half = f32ToBf16(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
      const plain = name.slice("weight.".length);
      const shape =
        model.tensors.get(plain)?.shape ?? (plain.endsWith("bias") ? [half.length] : [half.length / 192, 192]);
      return {
        name: plain,
        dtype: "BF16" as const,
        shape,
        bytes: () => new Uint8Array(half.buffer, half.byteOffset, half.byteLength),
      };
    }),
);
await writeSafetensors(to, tensors, { about: `stage 0 after ${from}` });
console.log(`${tensors.length} tensors to ${to}`);
