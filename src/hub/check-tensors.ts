/** @file Compares what a checkpoint holds with what a model needs and reports every difference at once. */
import { basename } from "node:path";
import type { Checkpoint } from "./checkpoint.ts";
import type { Dtype } from "./dtype.ts";
import { CheckpointError } from "./errors.ts";

/** One tensor that a model needs. */
export interface ExpectedTensor {
  name: string;
  shape: readonly number[];
  /** Element types that will do; any of the float types when absent. */
  dtypes?: readonly Dtype[];
}

const FLOATS: readonly Dtype[] = ["BF16", "F16", "F32"];
/** Enough to see the pattern; a wrong config makes hundreds of lines that say the same. */
const MAX_LINES = 50;

/**
 * Checks name, shape and element type of every expected tensor. Tensors that the model does not need are allowed.
 *
 * @param model who expects them, for the message
 * @throws CheckpointError listing all mismatches, each with file, tensor, found and expected
 * @example checkTensors(checkpoint, [{ name: "llm.lm_head.weight", shape: [151936, 1536] }]);
 */
export function checkTensors(
  checkpoint: Pick<Checkpoint, "folder" | "tensors" | "nameInFile">,
  expected: Iterable<ExpectedTensor>,
  model = "the model that config.json describes",
): void {
  const problems: string[] = [];
  let count = 0;
  for (const { name, shape, dtypes = FLOATS } of expected) {
    count++;
    const found = checkpoint.tensors.get(name);
    const called = checkpoint.nameInFile?.(name) ?? name;
    const shown = called === name ? name : `${called} (${name})`;
    const wanted = `${dtypes.join(" or ")} [${shape.join(", ")}]`;
    if (!found) {
      problems.push(`${shown}: not in the checkpoint, expected ${wanted}`);
    } else if (!dtypes.includes(found.dtype) || !sameShape(found.shape, shape)) {
      problems.push(
        `${shown} in ${basename(found.file)}: found ${found.dtype} [${found.shape.join(", ")}], expected ${wanted}`,
      );
    }
  }
  if (problems.length === 0) return;
  const lines = problems.slice(0, MAX_LINES);
  if (lines.length < problems.length) lines.push(`... and ${problems.length - lines.length} more`);
  throw new CheckpointError(
    checkpoint.folder,
    `${problems.length} of ${count} tensors do not fit ${model}:\n  ${lines.join("\n  ")}`,
  );
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
