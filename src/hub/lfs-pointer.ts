/** @file Git LFS pointers: the few lines that stand for a large file in a repository that was cloned without git-lfs. */
import { basename } from "node:path";
import { CheckpointError } from "./errors.ts";

/** How every pointer begins (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md). */
export const LFS_POINTER = "version https://git-lfs.github.com/spec/";

/** @throws CheckpointError that says how to get the file itself */
export function refuseLfsPointer(file: string): never {
  throw new CheckpointError(
    file,
    `is a Git LFS pointer, which stands for the file. Run "git lfs pull" in its folder, or fetch the model with "flashvl pull org/name" to get ${basename(file)} itself.`,
  );
}
