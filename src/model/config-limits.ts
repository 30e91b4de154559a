/** @file Limits of the sizes in a config.json, and how contradictions are told. */

import { z } from "zod";

/** Far above any published model, and low enough that a hostile config.json cannot exhaust memory before tensors are checked. */
const MAX_LAYERS = 512;
const MAX_WIDTH = 2 ** 20;
const MAX_IMAGE_SIZE = 2 ** 13;
const MAX_VOCABULARY = 2 ** 22;
const MAX_TILES = 256;

export const count = z.number().int().positive().max(MAX_WIDTH);
export const layers = z.number().int().positive().max(MAX_LAYERS);
export const imageSide = count.max(MAX_IMAGE_SIZE);
export const tiles = z.number().int().positive().max(MAX_TILES);
export const vocabulary = z.number().int().positive().max(MAX_VOCABULARY);
export const tokenId = z.number().int().nonnegative().max(MAX_VOCABULARY);

/** @throws Error saying which size does not divide which */
export const multiple = (value: number, of: number, what: string, ofWhat: string): void => {
  if (value % of !== 0) throw new Error(`config.json: ${what} is ${value}, expected a multiple of ${ofWhat} (${of})`);
};

/**
 * The content of config.json by a schema.
 * @param what such a config.json is called
 * @throws Error listing every key that is missing or has the wrong type
 */
export function parsedConfig<T>(schema: z.ZodType<T>, json: unknown, what: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((i) => `  ${i.path.join(".") || "(top)"}: ${i.message}`).join("\n");
  throw new Error(`config.json is not ${what}:\n${issues}`);
}
