/** @file Reads an encoded picture from a file, checking what it is and how large before reading. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { checkByteLimit, type ImageLimits } from "../image-limits.ts";
import { InputError } from "../input-error.ts";

/** Opening a pipe must not wait for somebody to write into it (Windows has neither). */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Problems of the path, as opposed to those of the machine. */
const PATH_ERRORS = new Map<string, string>(
  Object.entries({
    ENOENT: "there is no such file",
    ENOTDIR: "a part of the path is not a folder",
    EACCES: "this process may not read it",
    EPERM: "this process may not read it",
    ENAMETOOLONG: "the name is too long; is it an image's content?",
    ERR_INVALID_ARG_VALUE: "the path has a null character",
  }),
);

/** @throws InputError if the path is not a readable, regular file within the limit */
export async function readImageFile(path: string, limits: ImageLimits): Promise<Uint8Array> {
  const shown = JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
  let file: FileHandle | undefined;
  try {
    file = await open(path, OPEN_FLAGS);
    const stats = await file.stat();
    // A pipe or device could block or never end.
    if (!stats.isFile()) throw new InputError("invalid", `The image ${shown} is not a regular file.`);
    checkByteLimit(stats.size, limits);
    return await file.readFile();
  } catch (cause) {
    const problem = PATH_ERRORS.get((cause as NodeJS.ErrnoException).code ?? "");
    if (problem === undefined) throw cause;
    throw new InputError("not-found", `The image ${shown} cannot be read: ${problem}.`, { cause });
  } finally {
    await file?.close();
  }
}
