/** @file The keys of a recipe for preference pairs. */

import { z } from "zod";
import { DIVERGENCES, PREFERENCE_LOSSES } from "../loss/preference-terms.ts";
import {
  checkCommon,
  commonKeys,
  data,
  heldOut,
  length,
  lora,
  onBadRow,
  part,
  parts,
  positive,
  refined,
  report,
  shape,
} from "./common-keys.ts";

const lossName = z.enum([...PREFERENCE_LOSSES, "sft"]);
/** Mixed preference optimisation (arXiv 2411.10442) with InternVL's weights. */
const MPO = { types: ["sigmoid", "bco_pair", "sft"], weights: [0.8, 0.2, 1] } as const;
/** The losses that take a share of pairs to be the wrong way round. */
const SMOOTHED = ["cdpo", "robust", "exo_pair"] as const;

export const dpoKeys = z
  .strictObject({
    stage: z.literal("dpo"),
    ...commonKeys,
    ...length,
    data: data.describe("preference pairs: rows with chosen and rejected beside the prompt"),
    onBadRow,
    validation: z
      .strictObject({
        ...heldOut,
        every: positive.default(100).describe("steps between two validations"),
      })
      .optional()
      .describe("pairs that are never trained on"),
    pairsPerStep: positive.default(8).describe("pairs of an update, over as many batches as they need"),
    batchSize: positive.optional().describe("pairs of a batch; 4 where the batch's shape is not given"),
    batch: shape
      .optional()
      .describe("fixed shape of a batch; a pair takes the tokens of its prompt and of both answers"),
    train: parts.optional().describe("parts that are trained; all when left out"),
    lora: lora
      .optional()
      .describe("trains adapters of the decoder instead of parts; the reference is the model without them"),
    keepPictures: z
      .number()
      .nonnegative()
      .default(20)
      .describe(
        "GiB of the run's folder for what a tower that is not trained makes of pictures, each computed once; 0 keeps none",
      ),
    recompute: z.boolean().default(false).describe("compute activations twice instead of keeping them"),
    lossType: z
      .union([z.enum([...lossName.options, "mpo"]), z.array(lossName).min(1)])
      .default("sigmoid")
      .describe('the loss by TRL\'s name, "mpo" (sigmoid, bco_pair and sft), or several that add up'),
    lossWeights: z
      .array(z.number().positive())
      .optional()
      .describe("a weight for each loss; 1 each, for mpo 0.8, 0.2 and 1"),
    beta: z
      .number()
      .positive()
      .default(0.1)
      .describe("how strongly the reference holds: rewards are beta · log ratios"),
    labelSmoothing: z
      .number()
      .min(0)
      .lt(0.5)
      .default(0)
      .describe("share of pairs that are the wrong way round, for cdpo, robust and exo_pair"),
    ldAlpha: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe("what a token past the length of the shorter answer counts (LD-DPO)"),
    divergence: z.enum(DIVERGENCES).default("reverse_kl").describe("the f-divergence that the reference holds by"),
    divergenceAlpha: z.number().optional().describe("α of alpha_divergence"),
    bcoShift: z
      .enum(["none", "running"])
      .default("none")
      .describe("running: bco_pair less the running mean of rewards, as InternVL3 and LLaMA-Factory have it"),
    discopopTau: z.number().positive().optional().describe("temperature of discopop; 0.05 when left out"),
    wpo: z.boolean().default(false).describe("weigh pairs by how likely the model itself is to write them (WPO)"),
    report,
  })
  .superRefine(
    refined((recipe, fault) => {
      checkCommon(recipe, fault);
      const types: readonly string[] = recipe.lossType === "mpo" ? MPO.types : [recipe.lossType].flat();
      if (recipe.lossWeights && recipe.lossWeights.length !== types.length)
        fault("lossWeights", `found ${recipe.lossWeights.length} for the losses ${types.join(", ")}, expected as many`);
      if (recipe.lora?.dropout)
        fault("lora.dropout", "the reference's sums are without dropout, so the update cannot have any; leave it out");
      const smoothed = SMOOTHED.filter((type) => types.includes(type));
      if (recipe.labelSmoothing > 0 && smoothed.length === 0)
        fault("labelSmoothing", `only the losses ${SMOOTHED.join(", ")} have it; cdpo is sigmoid with it`);
      if (recipe.labelSmoothing === 0 && smoothed.length > 0)
        fault("labelSmoothing", `missing: ${smoothed[0]} needs the share of pairs that are the wrong way round`);
      if ((recipe.divergenceAlpha === undefined) === (recipe.divergence === "alpha_divergence"))
        fault("divergenceAlpha", "expected with the divergence alpha_divergence, and only there");
      if (recipe.discopopTau !== undefined && !types.includes("discopop"))
        fault("discopopTau", "only the loss discopop has it");
      if (recipe.bcoShift === "running" && !types.includes("bco_pair"))
        fault("bcoShift", "only the loss bco_pair is shifted");
      if (recipe.wpo && types.includes("sft"))
        fault("wpo", "weighs pairs, but the loss sft is a mean over the tokens of all of them");
    }),
  )
  .transform((recipe) => (recipe.lora ? recipe : { ...recipe, train: recipe.train ?? part.options }));

export type DpoKeys = z.infer<typeof dpoKeys>;

/** What the loss is told of a recipe. */
export function preferenceOptions(recipe: DpoKeys) {
  const mpo = recipe.lossType === "mpo";
  const types = mpo ? MPO.types : ([recipe.lossType].flat() as z.infer<typeof lossName>[]);
  const weights = recipe.lossWeights ?? (mpo ? MPO.weights : types.map(() => 1));
  return {
    losses: types.map((type, i) => ({ type, weight: weights[i]! })),
    beta: recipe.beta,
    labelSmoothing: recipe.labelSmoothing,
    divergence: recipe.divergence,
    divergenceAlpha: recipe.divergenceAlpha ?? 1,
    discopopTau: recipe.discopopTau ?? 0.05,
    ldAlpha: recipe.ldAlpha,
  };
}
