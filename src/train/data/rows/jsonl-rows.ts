/** @file JSON by row number: JSON Lines, of which a line is read when it is asked for, and an array, which is read whole. */

import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { openLines } from "../../../tables/index.ts";
import { TrainingInputError } from "../../input-error.ts";
import { type RowSource, rowsInMemory } from "./row-source.ts";

/** Opens a file of one JSON object per line; blank lines are not rows, but count as lines. @throws Error when it cannot be read */
export async function openJsonlRows(path: string): Promise<RowSource> {
  const lines = await openLines(path);
  return {
    path,
    length: lines.length,
    place: (i) => `${path}:${lines.number(i)}`,
    folder: () => dirname(path),
    async row(i) {
      const text = await lines.text(i);
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new Error(`the line is not JSON: ${(error as Error).message}`, { cause: error });
      }
    },
    close: () => lines.close(),
  };
}

/** An array is parsed in one go, which stops everything else and takes several times its size. */
const LARGEST_ARRAY = 256 * 2 ** 20;

/**
 * Opens a file that holds one JSON array of rows, as LLaVA and LLaMA-Factory have them.
 * @throws TrainingInputError when it is too large, or holds something else
 */
export async function openJsonRows(path: string): Promise<RowSource> {
  const { size } = await stat(path);
  if (size > LARGEST_ARRAY)
    throw new TrainingInputError(
      `${path} has ${size} bytes; at most ${LARGEST_ARRAY} are read as one array. Write one object per line into a .jsonl file.`,
    );
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new TrainingInputError(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!Array.isArray(content))
    throw new TrainingInputError(
      `${path} holds ${content === null ? "null" : `a value of type ${typeof content}`}, expected an array of rows. Of several objects, one per line, the file's name ends in .jsonl.`,
    );
  return rowsInMemory(path, dirname(path), content);
}
