/** @file The checkpoint and the example picture that ship with the package. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the embedded checkpoint, the same from src and from dist. */
const FOLDER = fileURLToPath(new URL("../../models/flashvl-tiny", import.meta.url));

/** @throws Error when the package was installed without its models. */
export function defaultModelFolder(): string {
  if (!existsSync(join(FOLDER, "config.json"))) {
    throw new Error(
      `The checkpoint that ships with the package is not at ${FOLDER}. Name a model: "org/name" or a folder.`,
    );
  }
  return FOLDER;
}

/** The price board that examples ask about. */
export const exampleBoard = (): string => fileURLToPath(new URL("../../examples/board.png", import.meta.url));
