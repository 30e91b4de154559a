/** @file Which files of a repository a model needs, and which of them a folder lacks. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sizeOf } from "./cache-layout.ts";

/** Files that are read, or that a user will want beside the weights; code and other weight formats stay on the hub. */
const WANTED = [
  /^(config|generation_config|preprocessor_config|processor_config|added_tokens|special_tokens_map|vocab)\.json$/,
  /^tokenizer[\w.-]*\.json$/,
  /^merges\.txt$/,
  /^chat_template\.(jinja|json)$/,
  /^[\w.-]+\.safetensors$/,
  /^[\w.-]+\.safetensors\.index\.json$/,
  /^(README\.md|LICENSE(\.\w+)?)$/,
];

/** True for files at the top of a repository that `resolveModel` downloads. */
export function isWanted(path: string): boolean {
  return WANTED.some((pattern) => pattern.test(path));
}

/**
 * The files without which a folder cannot be opened as a checkpoint: config.json, and model.safetensors or every shard of the index.
 *
 * @returns the missing names; an empty list for a whole checkpoint
 * @example (await missingFiles(snapshot)).length === 0
 */
export async function missingFiles(folder: string): Promise<string[]> {
  const lacks = async (name: string) => (await sizeOf(join(folder, name))) === undefined;
  const missing = (await lacks("config.json")) ? ["config.json"] : [];
  if (!(await lacks("model.safetensors"))) return missing;
  const shards = await shardNames(join(folder, "model.safetensors.index.json"));
  if (!shards) return [...missing, "model.safetensors"];
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
