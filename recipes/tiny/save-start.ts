/** @file Keeps a checkpoint as the place where stage 4 goes on, on any machine: its published files in bfloat16, and the head of the lesson in seeing: `tsx -C flashvl-source recipes/tiny/save-start.ts [CHECKPOINT]`. */

import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { openSafetensors, writeSafetensors } from "flashvl/hub";

const [from = "runs/tiny/4-ordinary/last", to = join(import.meta.dirname, "start")] = process.argv.slice(2);
/** Float32 weights, moments and the cursor: four times as large as all the rest. */
const STATE = "training.safetensors";
const state = await openSafetensors(join(from, STATE));
const names = [...state.tensors.keys()].filter((name) => name.startsWith("weight.see."));
if (names.length === 0) throw new Error(`${from} has no head of stage 0: was the run made without "see"?`);
const tensors = await Promise.all(
  names.map(async (name) => {
    const bytes = await state.readTensor(name);
    return { name, dtype: "F32" as const, shape: [bytes.length / 4], bytes: () => bytes };
  }),
);
await state.close();
await writeSafetensors(join(to, STATE), tensors, { about: "the throw-away head of stage 0" });
const files = (await readdir(from)).filter((file) => file !== STATE && file !== "progress.json");
for (const file of files) await copyFile(join(from, file), join(to, file));
console.log(`${files.join(", ")} and ${names.length} tensors of the head to ${to}`);
