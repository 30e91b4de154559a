/** @file config.json of any family: which one it belongs to, and its sizes, validated. */
import type { ModelChoices, ModelConfig } from "../config.ts";
import type { ConfigFacts, ConfigReader, Family } from "../family.ts";
import { completeConfig } from "./complete-config.ts";
import { readDynamicConfig, readIssConfig } from "./flashvl-dynamic/config.ts";
import { readConfig } from "./flashvl-static/config.ts";
import { flashvlStatic } from "./flashvl-static/index.ts";
import { readTiledConfig } from "./flashvl-tiled/config.ts";
import { FAMILIES } from "./index.ts";
import { readRemoteConfig, readTransformersConfig } from "./internvl/config.ts";

/** What reads the config.json of each family, by its name. */
export const READERS: ReadonlyMap<string, ConfigReader> = new Map([
  ["internvl", readRemoteConfig],
  ["internvl-hf", readTransformersConfig],
  ["flashvl-dynamic", readDynamicConfig],
  ["flashvl-dynamic-iss", readIssConfig],
  ["flashvl-static", readConfig],
  ["flashvl-tiled", readTiledConfig],
]);

/**
 * Reads the parsed content of config.json, whichever family it belongs to: the one that its tensors show, else the one that it
 * names. What it leaves out is taken from the tensors' shapes and from published models.
 * @throws Error listing every key that is missing, has the wrong type, or contradicts another
 * @example parseConfig(JSON.parse(await readFile("config.json", "utf8"))).decoder.hiddenSize // 1536
 */
export function parseConfig(json: unknown, facts: ConfigFacts = {}): ModelConfig {
  const object = typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {};
  const { tensors } = facts;
  // Where the tensors of several families look alike, the name decides.
  const alike = tensors ? FAMILIES.filter((one) => one.hasTensors(tensors)) : [];
  const named = ({ modelType }: Family): boolean => modelType === object.model_type;
  const family = alike.find(named) ?? alike[0] ?? FAMILIES.find(named) ?? flashvlStatic;
  const { json: complete, derived } = completeConfig(object, family, facts);
  const config = withChoices(READERS.get(family.name)!(complete, facts), facts.choices ?? {});
  return Object.keys(derived).length === 0 ? config : { ...config, derived };
}

/** A config as the caller chose it to be. Limits of tiles mean nothing where pictures are not cut into tiles. */
function withChoices(config: ModelConfig, choices: ModelChoices): ModelConfig {
  if (Object.values(choices).every((value) => value === undefined)) return config;
  const { tokenOrder, systemPrompt, maxTiles, thumbnail } = choices;
  const { connector, tiles } = config;
  const most = maxTiles ?? tiles?.most ?? 1;
  return {
    ...config,
    chosen: choices,
    ...(tokenOrder && connector.stitching?.pooling !== "none" && { connector: { ...connector, tokenOrder } }),
    ...(systemPrompt !== undefined && { systemPrompt }),
    ...(tiles && { tiles: { least: Math.min(tiles.least, most), most, thumbnail: thumbnail ?? tiles.thumbnail } }),
  };
}
