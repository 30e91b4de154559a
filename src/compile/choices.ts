/** @file What was found out about a checkpoint that its files leave open, kept in the cache for later opens. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { makeFolder, readState, writeState } from "../common/node.ts";
import type { Checkpoint } from "../hub/index.ts";
import type { ModelChoices } from "../model/index.ts";
import { compileCacheFolder } from "./cache-folder.ts";
import { checkpointIdentity } from "./identity.ts";

const VERSION = 1;
const schema = z.strictObject({
  iss: z.enum(["stitch", "trim", "bilinear", "native"]).optional(),
  tokenOrder: z.enum(["row-major", "column-major"]).optional(),
  systemPrompt: z.string().nullable().optional(),
  maxTiles: z.number().int().positive().optional(),
  thumbnail: z.boolean().optional(),
});

/** Where the choices for a checkpoint are kept: another checkpoint, or a changed one, has another file. */
const fileFor = async (checkpoint: Checkpoint, cacheDir?: string): Promise<string> =>
  join(compileCacheFolder(cacheDir), "choices", `${(await checkpointIdentity(checkpoint)).slice(0, 32)}.json`);

/**
 * What was chosen for a checkpoint; nothing where nothing was.
 * @throws StateFileError when the file is damaged
 */
export async function readChoices(checkpoint: Checkpoint, cacheDir?: string): Promise<ModelChoices> {
  const path = await fileFor(checkpoint, cacheDir);
  const wayOut = "Remove it, or run flashvl check again.";
  return (await readState(path, VERSION, (found) => schema.parse(found), wayOut)) ?? {};
}

/**
 * Keeps choices for later opens of a checkpoint; without any, forgets those that were kept.
 * @returns the file
 * @example await writeChoices(checkpoint, { tokenOrder: "column-major" });
 */
export async function writeChoices(checkpoint: Checkpoint, choices: ModelChoices, cacheDir?: string): Promise<string> {
  const path = await fileFor(checkpoint, cacheDir);
  if (Object.keys(choices).length === 0) await rm(path, { force: true });
  else {
    await makeFolder(join(path, ".."));
    await writeState(path, VERSION, choices);
  }
  return path;
}
