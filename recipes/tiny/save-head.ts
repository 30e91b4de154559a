/** @file Keeps the head of a run's lesson in seeing, so that a later run can go on with it (`see: { head: start }`): `tsx recipes/tiny/save-head.ts [CHECKPOINT]`. */

import { join } from "node:path";
import { openSafetensors, writeSafetensors } from "../../src/hub/index.ts";

const [from = "runs/tiny/2-chat/last", to = join(import.meta.dirname, "start/training.safetensors")] =
  process.argv.slice(2);
const state = await openSafetensors(join(from, "training.safetensors"));
const names = [...state.tensors.keys()].filter((name) => name.startsWith("weight.see."));
if (names.length === 0) throw new Error(`${from} has no head of stage 0: was the run made without "see"?`);
const tensors = await Promise.all(
  names.map(async (name) => {
    const bytes = await state.readTensor(name);
    return { name, dtype: "F32" as const, shape: [bytes.length / 4], bytes: () => bytes };
  }),
);
await state.close();
await writeSafetensors(to, tensors, { about: "the throw-away head of stage 0" });
console.log(`${names.length} tensors to ${to}`);
