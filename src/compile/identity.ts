/** @file Tells whether compiled graphs still belong to a checkpoint, without reading its gigabytes. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Checkpoint } from "../hub/index.ts";

/** Tensors that are sampled, and bytes read from the middle of each: enough that another fine-tune of equal size differs. */
const SAMPLES = 64;
const SAMPLE_BYTES = 1024;

/**
 * A hash over config, file names, sizes and times, all tensor headers and a sample of the data.
 * @example await checkpointIdentity(checkpoint) // "5f0c..."
 */
export async function checkpointIdentity(opened: Checkpoint): Promise<string> {
  const checkpoint = opened.asStored ?? opened;
  const hash = createHash("sha256").update(JSON.stringify(checkpoint.config));
  for (const file of checkpoint.files) {
    const { size, mtimeMs } = await stat(file);
    hash.update(`\n${basename(file)} ${size} ${mtimeMs}`);
  }
  const names = [...checkpoint.tensors.keys()].sort();
  for (const name of names) {
    const { dtype, shape, offset, bytes } = checkpoint.tensors.get(name)!;
    hash.update(`\n${name} ${dtype} ${shape.join("x")} ${offset} ${bytes}`);
  }
  const step = Math.max(1, Math.floor(names.length / SAMPLES));
  for (let i = 0; i < names.length; i += step) {
    const name = names[i]!;
    const { bytes } = checkpoint.tensors.get(name)!;
    const start = Math.floor(bytes / 2);
    hash.update(await checkpoint.readRange(name, start, Math.min(bytes, start + SAMPLE_BYTES)));
  }
  return hash.digest("hex");
}
