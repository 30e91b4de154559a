/** @file The recipe of stage 0, with the keys that every stage has and its own. */

import { commonKeys, readYaml, resolverOf } from "flashvl/train";
import { z } from "zod";

const positive = z.number().int().positive();

const seeRecipe = z.strictObject({
  stage: z.literal("see"),
  ...commonKeys,
  steps: positive,
  data: z
    .strictObject({
      seed: z.number().int().nonnegative().default(1),
      /** Drawing threads. */
      workers: z.number().int().nonnegative().default(1),
    })
    .prefault({}),
  images: positive,
  /** Checkpoint of a run whose weights, head included, are where this one begins; at random when left out. */
  start: z.string().optional(),
  /** Share of the pictures that are learning sheets. */
  sheets: z.number().min(0).max(1).default(0),
  /** Share of the pictures that are of the wide world. */
  wide: z.number().min(0).max(1).default(0),
  emptyWeight: z.number().positive().default(0.1),
});
export type SeeRecipe = z.infer<typeof seeRecipe>;

/**
 * Reads the recipe; paths in it become absolute, relative to the file.
 * @throws TrainingInputError listing each key that is unknown, missing or of the wrong type
 */
export async function readSeeRecipe(path: string): Promise<SeeRecipe> {
  const recipe = await readYaml(path, seeRecipe);
  const absolute = resolverOf(path);
  return { ...recipe, model: absolute(recipe.model), start: recipe.start && absolute(recipe.start) };
}
