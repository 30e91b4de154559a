/** @file config.json of FlashVL's dynamic checkpoints, with and without implicit semantic stitching, validated. */

import { z } from "zod";
import type { IssForm, ModelConfig, Stitching } from "../../config.ts";
import { count, imageSide, layers, multiple, parsedConfig } from "../../config-limits.ts";
import { decoderSchema, readDecoder } from "../../decoders/qwen-config.ts";
import type { ConfigFacts } from "../../family.ts";
import { checkStatedSizes } from "../flashvl-sizes.ts";
import { FORMS, stitchedGrid } from "../stitching.ts";
import { stitchingSchema } from "../stitching-schema.ts";

const configSchema = z.object({
  vision_config: z.object({
    hidden_size: count,
    intermediate_size: count,
    num_hidden_layers: layers,
    num_attention_heads: count,
    image_size: imageSide,
    patch_size: count,
    num_channels: z.literal(3).default(3),
    rms_norm_eps: z.number().positive().default(1e-5),
    qkv_bias: z.literal(false).default(false),
    use_bias: z.literal(false).default(false),
    proj_output_dim: count.optional(),
  }),
  llm_config: decoderSchema,
  intermediate_size: count,
  image_token_num: count.optional(),
  pixel_shuffle: z.enum(["row-major", "column-major"]).default("row-major"),
  stitching: stitchingSchema.optional(),
});

/** How pictures are tiled was not published: InternVL's rule with this limit is assumed. */
const ASSUMED_TILES = { least: 1, most: 6, thumbnail: true };

/**
 * The form of stitching that the caller chose, or config.json names.
 * @throws Error explaining the choice where there is none
 */
function chosenForm(json: unknown, { choices }: ConfigFacts): IssForm {
  const named = stitchingSchema.safeParse((json as { stitching?: unknown }).stitching).data?.form;
  const iss = choices?.iss ?? named;
  const lines = Object.entries(FORMS).map(([name, what]) => `  ${name}: ${what}`);
  if (iss === undefined || !Object.hasOwn(FORMS, iss))
    throw new Error(
      `config.json: this is a model with implicit semantic stitching (ISS), whose formula was not published, and ${iss === undefined ? "no form of it was chosen" : `"${iss}" is no form of it`}. ` +
        `Choose one with the option iss (--iss on the command line):\n${lines.join("\n")}\n` +
        "The right one gives known answers the lowest loss: flashvl check scores them.",
    );
  return iss;
}

/** Side of the squares that the tower has positions for: with "native" it may be less than config.json says of the tower's origin. */
function positionsSide({ tensors }: ConfigFacts, patchSize: number): number | undefined {
  const places = tensors?.get("vit.preprocessor.pos_embed")?.shape.at(-2);
  return places && Math.round(Math.sqrt(places)) * patchSize;
}

/** @throws Error listing every key that is missing, has the wrong type, or contradicts another */
function read(family: string, json: unknown, facts: ConfigFacts, form: IssForm | undefined): ModelConfig {
  const {
    vision_config: v,
    llm_config: l,
    ...top
  } = parsedConfig(configSchema, json, "a FlashVL dynamic configuration");
  multiple(v.image_size, (form ? 1 : 2) * v.patch_size, "vision_config.image_size", form ? "a patch" : "two patches");
  multiple(v.hidden_size, v.num_attention_heads, "vision_config.hidden_size", "num_attention_heads");
  const vision = {
    hiddenSize: v.hidden_size,
    intermediateSize: v.intermediate_size,
    layers: v.num_hidden_layers,
    heads: v.num_attention_heads,
    imageSize: (form === "native" && positionsSide(facts, v.patch_size)) || v.image_size,
    patchSize: v.patch_size,
    normEpsilon: v.rms_norm_eps,
  };
  const stitching: Stitching | undefined = form && { ...stitchingSchema.parse(top.stitching ?? {}), form };
  const windowTokens = (stitching ? stitchedGrid(vision, stitching) : vision.imageSize / vision.patchSize / 2) ** 2;
  const stated = { imageTokens: top.image_token_num, projection: v.proj_output_dim };
  checkStatedSizes(stated, windowTokens, l.hidden_size, form && ` with iss "${form}"`);
  return {
    family,
    vision,
    decoder: readDecoder(l, {
      key: "llm_config",
      tiedHead: facts.tensors ? !facts.tensors.has("llm.lm_head.weight") : (l.tie_word_embeddings ?? false),
    }),
    connector: {
      hiddenSize: top.intermediate_size,
      tokenOrder: stitching?.pooling === "none" ? "row-major" : top.pixel_shuffle,
      ...(stitching && { stitching }),
    },
    windowTokens,
    tiles: ASSUMED_TILES,
  };
}

export const readDynamicConfig = (json: unknown, facts: ConfigFacts): ModelConfig =>
  read("flashvl-dynamic", json, facts, undefined);

/** @throws Error also where no form of stitching was chosen */
export const readIssConfig = (json: unknown, facts: ConfigFacts): ModelConfig =>
  read("flashvl-dynamic-iss", json, facts, chosenForm(json, facts));
