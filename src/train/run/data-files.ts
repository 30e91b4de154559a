/** @file What a run's data was when it was last started, so that another one does not pass for it. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { fileHash, readState, writeState } from "../../common/node.ts";
import { findFiles } from "../data/rows/find-files.ts";
import { type DpoRecipe, filesOf, type GrpoRecipe, type SftRecipe } from "../recipe/schema.ts";

const FILE = "data.json";
const VERSION = 1;

const known = z.record(z.string(), z.object({ bytes: z.number(), hash: z.string() }));
/** Sizes and hashes by path. */
export type DataFiles = z.infer<typeof known>;

/** The data of a run as it was noted; undefined where it is not known. */
export const readData = (run: string): Promise<DataFiles | undefined> =>
  readState(join(run, FILE), VERSION, (state) => known.parse(state), "It is written anew.").catch(() => undefined);

/** The files that a recipe names, as they are now. */
export async function dataFiles({ data, validation }: SftRecipe | GrpoRecipe | DpoRecipe): Promise<DataFiles> {
  const named = [data.file, validation?.file].flatMap((file) => (file ? filesOf(file) : []));
  const now: DataFiles = {};
  for (const { file } of named)
    for (const path of await findFiles(file))
      now[path] = { bytes: (await stat(path)).size, hash: await fileHash(path, "sha256") };
  return now;
}

/**
 * Writes down what the run's data is now.
 * @returns files that are not as they were, or are no longer there; none where the run is new
 */
export async function noteData(run: string, now: DataFiles): Promise<string[]> {
  const before = await readData(run);
  await writeState(join(run, FILE), VERSION, now);
  return Object.entries(before ?? {}).flatMap(([path, { hash }]) => (now[path]?.hash === hash ? [] : [path]));
}
