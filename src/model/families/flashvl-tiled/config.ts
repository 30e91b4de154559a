/** @file config.json of a FlashVL tiled checkpoint: a static model's keys, its tiles, and how they are stitched. */
import { z } from "zod";
import type { ModelConfig } from "../../config.ts";
import { parsedConfig } from "../../config-limits.ts";
import type { ConfigFacts } from "../../family.ts";
import { readConfig } from "../flashvl-static/config.ts";
import { stitchedGrid } from "../stitching.ts";
import { stitchingSchema } from "../stitching-schema.ts";

/** Its keys beside those of a static model. */
const ownSchema = z.object({
  tiles: z.strictObject({
    least: z.number().int().min(1).default(1),
    most: z.number().int().min(1).max(64),
    thumbnail: z.boolean(),
  }),
  /** Where tiles overlap; plain tiles when left out. */
  stitching: stitchingSchema.required({ form: true }).optional(),
});

/** @throws Error listing every key that is missing, has the wrong type, or contradicts another */
export function readTiledConfig(json: unknown, facts: ConfigFacts): ModelConfig {
  const { tiles, stitching } = parsedConfig(ownSchema, json, "a FlashVL tiled configuration");
  const config = readConfig(json, facts);
  return {
    ...config,
    family: "flashvl-tiled",
    tiles,
    ...(stitching && {
      connector: { ...config.connector, stitching },
      windowTokens: stitchedGrid(config.vision, stitching) ** 2,
    }),
  };
}
