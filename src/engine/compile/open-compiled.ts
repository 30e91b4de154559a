/** @file Finds the graphs in a folder that compiling made, and makes sure that they belong to the checkpoint and to this version. */
import { type Checkpoint, CheckpointError } from "../../hub/index.ts";
import { kernelLibraryPath } from "../runtime/index.ts";
import type { CompiledModel } from "./compile-checkpoint.ts";
import { checkpointIdentity } from "./identity.ts";
import { graphPaths, PACKAGE_VERSION, wholeManifest } from "./manifest.ts";
import type { Preset } from "./presets.ts";

/**
 * The graphs of a folder that `compileCheckpoint` made, such as one with calibration.
 * @throws CheckpointError when the folder holds no whole graphs, or those of another version or checkpoint
 * @example const { preset, decode } = await openCompiled(folder, checkpoint, nativeRuntime().version);
 */
export async function openCompiled(
  folder: string,
  checkpoint: Checkpoint,
  runtimeVersion: string,
): Promise<CompiledModel & { preset: Preset }> {
  const refuse = (reason: string) =>
    new CheckpointError(folder, `${reason} Compile the model again with this version, and name the folder it prints.`);
  const manifest = await wholeManifest(folder);
  if (!manifest) throw refuse("there are no compiled graphs here, or some files are cut short.");
  const { flashvl, runtime, preset, identity, sizes } = manifest;
  if (flashvl !== PACKAGE_VERSION || runtime !== runtimeVersion)
    throw refuse(`made by flashvl ${flashvl}, ${runtime}; this is flashvl ${PACKAGE_VERSION}, ${runtimeVersion}.`);
  if (identity !== (await checkpointIdentity(checkpoint)))
    throw refuse(`made from ${manifest.checkpoint}, not from ${checkpoint.folder} as it is now.`);
  const graphs = graphPaths(folder, (name) => name in sizes);
  return { folder, ...graphs, customOps: kernelLibraryPath(), fresh: false, preset: preset as Preset };
}
