/** @file What a step was made of: beside its output, so that a pipeline goes on where it was and says what it did. */

import { stat } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { fileHash, readState, writeState } from "../common/node.ts";

const VERSION = 1;

const manifest = z.strictObject({
  /** The step as the pipeline says it. */
  step: z.unknown(),
  /** What the pipeline says about its rows. */
  settings: z.unknown().optional(),
  /** SHA-256 of every file that was read, by path. */
  inputs: z.record(z.string(), z.string()),
  flashvl: z.string(),
  duckdb: z.string(),
  output: z.string(),
  /** SHA-256 of the output. */
  hash: z.string(),
  rowsIn: z.number(),
  rowsOut: z.number(),
  /** What the step counted beside its rows. */
  details: z.record(z.string(), z.number()).default({}),
});
export type Manifest = z.infer<typeof manifest>;

export type Identity = Pick<Manifest, "step" | "settings" | "inputs" | "flashvl" | "duckdb">;

/** The manifest of an output that was made of the very same, and is as it was written; undefined where it is to be made. */
export async function finished(path: string, output: string, identity: Identity): Promise<Manifest | undefined> {
  const found = await readState(path, VERSION, (state) => manifest.parse(state), "Remove it; the step runs again.");
  if (!found || !(await stat(output).catch(() => undefined))) return undefined;
  const { step, settings, inputs, flashvl, duckdb } = found;
  if (!isDeepStrictEqual({ step, settings, inputs, flashvl, duckdb }, JSON.parse(JSON.stringify(identity))))
    return undefined;
  return (await fileHash(output, "sha256")) === found.hash ? found : undefined;
}

export const writeManifest = (path: string, content: Manifest): Promise<void> => writeState(path, VERSION, content);
