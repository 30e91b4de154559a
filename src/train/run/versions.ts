/** @file What a run's numbers depend on beside its recipe: versions of the programs and the kind of machine. */

import { createRequire } from "node:module";
import { cpus } from "node:os";
import { nativeRuntime, trainingKernels } from "../../engine/index.ts";

const { version } = createRequire(import.meta.url)("../../../package.json") as { version: string };

/** Another value of any of these may change the last digits of a run. */
export const versions = (): Record<string, string | number> => ({
  flashvl: version,
  node: process.version,
  onnxruntime: nativeRuntime().version,
  kernels: trainingKernels() ? "native" : "standard",
  platform: `${process.platform}-${process.arch}`,
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
});
