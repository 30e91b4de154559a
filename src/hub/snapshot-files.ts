/** @file Which files of a repository a model needs, and which of them a folder lacks. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sizeOf } from "./cache-layout.ts";

/** The weights in one file. */
export const SINGLE_FILE = "model.safetensors";
/** The list of the files over which weights are spread. */
export const INDEX_FILE = "model.safetensors.index.json";

/** Files beside the weights that are read, or that a user will want there; code and other formats stay on the hub. */
const SMALL = [
  /^(config|generation_config|flashvl|preprocessor_config|processor_config|added_tokens|special_tokens_map|vocab|adapter_config)\.json$/,
  /^tokenizer[\w.-]*\.json$/,
  /^merges\.txt$/,
  /^chat_template\.(jinja|json)$/,
  /^(README\.md|LICENSE(\.\w+)?)$/,
];
const SHARDS = /^model([.-][\w.-]+)?\.safetensors(\.index\.json)?$/;
/** The weights of a LoRA in PEFT's files, where a repository holds that and no model. */
const ADAPTER_FILE = "adapter_model.safetensors";

/**
 * The files of a repository that `resolveModel` downloads: those at its top that a model needs. Of the weights only the
 * ones that `openCheckpoint` would read, since some repositories hold them twice, in one file and in shards.
 *
 * @example wantedFiles(["config.json", "model.safetensors", "model-00001-of-00002.safetensors", "train.py"]) // the first two
 */
export function wantedFiles(paths: readonly string[]): Set<string> {
  const hasSingle = paths.includes(SINGLE_FILE);
  const whole = paths.some((path) => SHARDS.test(path));
  return new Set(
    paths.filter((path) =>
      path === ADAPTER_FILE
        ? !whole
        : SHARDS.test(path)
          ? !hasSingle || path === SINGLE_FILE
          : SMALL.some((pattern) => pattern.test(path)),
    ),
  );
}

/**
 * The files without which a folder cannot be opened as a checkpoint: config.json, and model.safetensors or every shard of the index;
 * or, for an adapter, its config and its weights.
 *
 * @returns the missing names; an empty list for a whole checkpoint
 * @example (await missingFiles(snapshot)).length === 0
 */
export async function missingFiles(folder: string): Promise<string[]> {
  const lacks = async (name: string) => (await sizeOf(join(folder, name))) === undefined;
  const isAdapter = !(await lacks("adapter_config.json")) && (await lacks(SINGLE_FILE)) && (await lacks(INDEX_FILE));
  if (isAdapter) return (await lacks(ADAPTER_FILE)) ? [ADAPTER_FILE] : [];
  const missing = (await lacks("config.json")) ? ["config.json"] : [];
  if (!(await lacks(SINGLE_FILE))) return missing;
  const shards = await shardNames(join(folder, INDEX_FILE));
  if (!shards) return [...missing, SINGLE_FILE];
  for (const shard of shards) if (await lacks(shard)) missing.push(shard);
  return missing;
}

/** File names in an index; undefined where there is no readable index. The checkpoint reader judges its content. */
async function shardNames(index: string): Promise<Set<string> | undefined> {
  try {
    const { weight_map } = JSON.parse(await readFile(index, "utf8")) as { weight_map: Record<string, string> };
    return new Set(Object.values(weight_map).map(String));
  } catch {
    return undefined;
  }
}
