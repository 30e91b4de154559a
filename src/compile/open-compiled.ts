/** @file Finds the graphs in a folder that compiling made, and makes sure that they belong to the checkpoint and to this version. */
import { type Checkpoint, CheckpointError } from "../hub/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { CompiledModel } from "./compile-checkpoint.ts";
import { checkpointIdentity } from "./identity.ts";
import { damagedSinceBoot, graphPaths, PACKAGE_VERSION, wholeManifest } from "./manifest.ts";
import type { Preset } from "./presets.ts";

/**
 * The graphs of a folder that `compileCheckpoint` made, such as one with calibration.
 * @throws CheckpointError when the folder holds no whole graphs, or those of another version or checkpoint
 * @example const { preset, decode } = await openCompiled(folder, checkpoint, nativeRuntime());
 */
export async function openCompiled(
  folder: string,
  checkpoint: Checkpoint,
  { version, kernels }: Pick<Runtime, "version" | "kernels">,
): Promise<CompiledModel & { preset: Preset }> {
  const refuse = (reason: string) =>
    new CheckpointError(folder, `${reason} Compile the model again with this version, and name the folder it prints.`);
  const manifest = await wholeManifest(folder);
  if (!manifest) throw refuse("there are no compiled graphs here, or some files are cut short.");
  const { flashvl, runtime, preset, identity, files } = manifest;
  if (flashvl !== PACKAGE_VERSION || runtime !== version)
    throw refuse(`made by flashvl ${flashvl}, ${runtime}; this is flashvl ${PACKAGE_VERSION}, ${version}.`);
  const [damaged] = await damagedSinceBoot(folder, manifest);
  if (damaged !== undefined) throw refuse(`${damaged} is damaged.`);
  if (identity !== (await checkpointIdentity(checkpoint)))
    throw refuse(`made from ${manifest.checkpoint}, not from ${checkpoint.folder} as it is now.`);
  const graphs = graphPaths(folder, (name) => Object.hasOwn(files, name));
  return { folder, ...graphs, customOps: kernels, fresh: false, preset: preset as Preset };
}
