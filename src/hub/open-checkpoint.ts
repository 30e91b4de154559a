/** @file Opens a checkpoint folder, whether it holds a model or an adapter of one. */
import { resolve } from "node:path";
import { adaptedCheckpoint } from "./adapter/adapted-checkpoint.ts";
import { adapterBase, isAdapterFolder } from "./adapter/adapter-base.ts";
import { type Checkpoint, openWholeCheckpoint } from "./checkpoint.ts";
import { CheckpointError } from "./errors.ts";
import { resolveModel } from "./resolve-model.ts";

/**
 * Opens a checkpoint folder: config.json, and model.safetensors or the shards that model.safetensors.index.json names. A
 * folder that holds a LoRA in PEFT's files alone is opened on the model that it names, with the adapter folded in; that model
 * may be a folder with an adapter again. Only headers are read.
 *
 * @param base the model that an adapter belongs to, where it is not the one that its config names
 * @throws HubError "not-found" when the folder or its weights are missing
 * @throws CheckpointError when a file is not what it should be
 * @example
 * const checkpoint = await openCheckpoint("models/flashvl-tiny");
 * const bytes = await checkpoint.readTensor("llm.lm_head.weight");
 * await checkpoint.close();
 */
export async function openCheckpoint(folder: string, base?: string): Promise<Checkpoint> {
  return openStacked(resolve(folder), base, []);
}

/**
 * The folder that has the config and the tokenizer of `folder`'s model: itself, or where it holds an adapter, its base.
 * @throws HubError or CheckpointError when an adapter's base is not found
 */
export async function modelFolderOf(folder: string): Promise<string> {
  const above: string[] = [];
  let root = resolve(folder);
  while (await isAdapterFolder(root)) {
    refuseCircle(root, above);
    above.push(root);
    root = await adapterBase(root, cachedModel);
  }
  return root;
}

const cachedModel = (name: string): Promise<string> => resolveModel(name, { offline: true });

function refuseCircle(root: string, above: readonly string[]): void {
  if (above.includes(root))
    throw new CheckpointError(root, "the adapter is its own base: base_model_name_or_path leads back to it");
}

/** @param above folders of the adapters that this one is the base of */
async function openStacked(root: string, base: string | undefined, above: readonly string[]): Promise<Checkpoint> {
  if (!(await isAdapterFolder(root))) return openWholeCheckpoint(root);
  refuseCircle(root, above);
  const folder = base ?? (await adapterBase(root, cachedModel));
  const below = await openStacked(resolve(folder), undefined, [...above, root]);
  try {
    return await adaptedCheckpoint(root, below);
  } catch (error) {
    await below.close();
    throw error;
  }
}
