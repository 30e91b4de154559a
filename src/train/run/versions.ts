/** @file What a run's numbers depend on beside its recipe: versions of the programs and the kind of machine. */

import { createRequire } from "node:module";
import { cpus } from "node:os";
import { join } from "node:path";
import { readState, writeState } from "../../common/node.ts";
import { nativeRuntime, trainingKernels } from "../../runtime/ort/index.ts";

const { version } = createRequire(import.meta.url)("../../../package.json") as { version: string };

export type Versions = Readonly<Record<string, string | number>>;

const FILE = "versions.json";
const FILE_VERSION = 1;

/** Another value of any of these may change the last digits of a run. */
export const versions = (): Versions => ({
  flashvl: version,
  node: process.version,
  onnxruntime: nativeRuntime().version,
  kernels: trainingKernels() ? "native" : "standard",
  platform: `${process.platform}-${process.arch}`,
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
});

/** Writes down what the run in this folder is made with. */
export const writeVersions = (run: string): Promise<void> => writeState(join(run, FILE), FILE_VERSION, versions());

/**
 * What the run in this folder was last made with; undefined when nothing says so.
 * @throws StateFileError when the file is damaged
 */
export const readVersions = (run: string): Promise<Versions | undefined> =>
  readState(join(run, FILE), FILE_VERSION, (state) => state as Versions, "It is written anew.");
