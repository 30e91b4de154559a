/** @file The families, and what follows for a model from the one that it belongs to. */

import type { Value } from "../../graph/index.ts";
import type { Dialect, PictureLimits, PicturePlan } from "../../processor/core.ts";
import type { Attend } from "../attend.ts";
import type { ModelConfig } from "../config.ts";
import { decoderTensors } from "../decoders/qwen.ts";
import type { Family, PictureSize } from "../family.ts";
import { type Parameter, Parameters, type Part, type Tensor } from "../parameters.ts";
import { type StoredTensor, storedTensors } from "../stored-tensors.ts";
import { flashvlDynamic, flashvlDynamicIss } from "./flashvl-dynamic/index.ts";
import { flashvlStatic } from "./flashvl-static/index.ts";
import { flashvlTiled } from "./flashvl-tiled/index.ts";
import { internvl, internvlTransformers } from "./internvl/index.ts";

/** All families. */
export const FAMILIES: readonly Family[] = [
  internvl,
  internvlTransformers,
  flashvlDynamic,
  flashvlDynamicIss,
  flashvlStatic,
  flashvlTiled,
];

/** The family of a model. @throws Error when there is none of that name */
export function familyOf({ family }: Pick<ModelConfig, "family">): Family {
  const found = FAMILIES.find(({ name }) => name === family);
  if (!found)
    throw new Error(`There is no family "${family}"; expected ${FAMILIES.map(({ name }) => name).join(", ")}.`);
  return found;
}

/** How a model's prompts are written: as its family's, with the system text that its config names. */
export function dialectOf(config: ModelConfig): Dialect {
  const own = familyOf(config).dialect(config);
  return config.systemPrompt === undefined ? own : { ...own, systemPrompt: config.systemPrompt };
}

/**
 * Every tensor of a model, by its own names.
 * @example listParameters(config).find((p) => p.role === "head")?.shape // [151936, 1536]
 */
export function listParameters(config: ModelConfig): Parameter[] {
  const { tower, connector, unused } = familyOf(config);
  const of = (part: Part, tensors: readonly Tensor[]): Parameter[] =>
    tensors.map(({ name, shape, role }) => ({ name, shape, part, role, required: part !== "unused" }));
  return [
    ...of("decoder", decoderTensors(config.decoder)),
    ...of("tower", tower.tensors(config.vision)),
    ...of("unused", unused?.(config) ?? []),
    ...of("adapter", connector.tensors(config)),
  ];
}

/**
 * Where a checkpoint's files keep the model's tensors.
 * @param has whether the files have a tensor of a name
 * @param unused with those that published files carry and nothing uses
 */
export const storedIn = (config: ModelConfig, has: (name: string) => boolean, unused = false): StoredTensor[] =>
  storedTensors(
    listParameters(config).filter(({ required }) => required || unused),
    familyOf(config).fileNames(has),
  );

/** Where the graphs of a model find their weights. */
export const parametersOf = (config: ModelConfig): Parameters => new Parameters(listParameters(config));

/**
 * Which squares a model cuts from a picture, and how many tokens it makes of them: known before the pixels are.
 * @example planPicture(config, { width: 1920, height: 1080 }).tokens // 256 in FlashVL static
 */
export const planPicture = (config: ModelConfig, size: PictureSize, limits: PictureLimits = {}): PicturePlan =>
  familyOf(config).plan(config, size, limits);

/** Pixels float32 [n, 3, size, size] → what the tower sees, [n, patches, vision hidden]. */
export const tower = (p: Parameters, config: ModelConfig, pixels: Value, attend: Attend): Value =>
  familyOf(config).tower.build(p, config.vision, pixels, attend);

/** What the tower sees → picture tokens [n, tokens, decoder hidden]. */
export const connect = (p: Parameters, config: ModelConfig, seen: Value): Value =>
  familyOf(config).connector.build(p, config, seen);
