/** @file State files: small JSON files that carry a version and a hash, so that a damaged one is noticed and named. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { writeWhole } from "./write-whole.ts";

/** A state file that cannot be used; the message names the file, what is wrong with it, and the way out. */
export class StateFileError extends Error {
  override readonly name = "StateFileError";
}

const hashOf = (state: object): string => createHash("sha256").update(JSON.stringify(state)).digest("hex");

/**
 * Writes a state file, whole or not at all.
 * @param version counted up when the meaning of the file changes
 * @param state what JSON can hold; without the keys `version` and `sha256`
 * @example await writeState("runs/a/versions.json", 1, { node: process.version });
 */
export async function writeState(path: string, version: number, state: object): Promise<void> {
  // As it will be read: without undefined, and with keys in the order in which JSON.parse gives them.
  const plain = JSON.parse(JSON.stringify(state)) as object;
  await writeWhole(path, `${JSON.stringify({ version, sha256: hashOf(plain), ...plain }, null, 2)}\n`);
}

/**
 * Reads a state file.
 * @param check takes the state apart and throws an Error that says what is not as expected
 * @param wayOut what the user can do when the file cannot be used, a sentence
 * @returns undefined when there is no such file
 * @throws StateFileError when it is damaged, changed by hand, or of another version
 * @example const versions = await readState(path, 1, (state) => state as Versions, "Remove it; it is written anew.");
 */
export async function readState<T>(
  path: string,
  version: number,
  check: (state: Record<string, unknown>) => T,
  wayOut: string,
): Promise<T | undefined> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const found: unknown = text === "" ? undefined : JSON.parse(text);
    if (typeof found !== "object" || found === null || Array.isArray(found))
      throw new Error(text === "" ? "it is empty" : "it holds no JSON object");
    const { version: ofFile, sha256, ...state } = found as Record<string, unknown>;
    if (ofFile !== version) throw new Error(`it has version ${JSON.stringify(ofFile)}, expected ${version}`);
    if (sha256 !== hashOf(state)) throw new Error("its content does not have the hash that it carries");
    return check(state);
  } catch (cause) {
    throw new StateFileError(`${path} cannot be used: ${(cause as Error).message}. ${wayOut}`, { cause });
  }
}
