/** @file Reads a checkpoint's JSON files, which come from strangers. */
import { readFile, stat } from "node:fs/promises";
import { CheckpointError } from "./errors.ts";
import { LFS_POINTER, refuseLfsPointer } from "./lfs-pointer.ts";
import { parseStrictJson } from "./strict-json.ts";

/** Config and tokenizer files are a few megabytes; more is not a model's JSON. */
const MAX_JSON_BYTES = 256 * 2 ** 20;

/**
 * Parses a JSON file strictly (no duplicate keys); undefined when it does not exist.
 *
 * @throws CheckpointError when it is too large or no JSON
 * @example const config = await readJsonFile("out/config.json");
 */
export async function readJsonFile(file: string): Promise<unknown> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > MAX_JSON_BYTES)
      throw new CheckpointError(file, `has ${size} bytes, expected at most ${MAX_JSON_BYTES} for a JSON file`);
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (text.startsWith(LFS_POINTER)) refuseLfsPointer(file);
  try {
    return parseStrictJson(text);
  } catch (cause) {
    throw new CheckpointError(file, `is not usable JSON: ${(cause as Error).message}`, undefined, { cause });
  }
}
