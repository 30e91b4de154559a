/** @file What a family of models is: all that is particular to one, in one record. */

import type { Dialect, PictureLimits, PicturePlan, PreprocessorRules } from "../processor/core.ts";
import type { ModelChoices, ModelConfig } from "./config.ts";
import type { Connector } from "./connectors/connector.ts";
import type { Tensor } from "./parameters.ts";
import type { FileName } from "./stored-tensors.ts";
import type { Tower } from "./towers/tower.ts";

/** Width and height of a picture in pixels, upright. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What else is known where a config.json is read. */
export interface ConfigFacts {
  /** Tensors of the checkpoint, by their names in the file. */
  readonly tensors?: ReadonlyMap<string, { readonly shape: readonly number[] }>;
  /** The parsed content of preprocessor_config.json. */
  readonly preprocessor?: unknown;
  readonly choices?: ModelChoices;
}

/** Values of each choice that is open. */
export type Hypotheses = { readonly [Key in keyof ModelChoices]?: readonly Exclude<ModelChoices[Key], undefined>[] };

/** What answers of a model are like where a request does not say. */
export interface GenerationDefaults {
  /** Limit on an answer's tokens. */
  readonly maxNewTokens: number;
  readonly repetitionPenalty?: number;
  /** Of answers that ask for chance. */
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
}

/**
 * Reads the parsed content of a family's config.json. It is no part of the record, since a page that opens an exported model needs
 * none of it.
 * @throws Error listing every key that is missing, has the wrong type, or contradicts another
 */
export type ConfigReader = (json: unknown, facts: ConfigFacts) => ModelConfig;

/** A family. A new one is a folder in `families` with such a record, and its name in the lists there. */
export interface Family {
  /** The name that configs carry, such as "flashvl-static". */
  readonly name: string;
  /** What its config.json calls itself. */
  readonly modelType: string;
  /** Whether the tensors of a file are those of this family. */
  hasTensors(tensors: NonNullable<ConfigFacts["tensors"]>): boolean;
  /** Keys of the parts in its config.json, and of the connector's width where that has a key. */
  readonly parts: { readonly vision: string; readonly decoder: string; readonly adapter?: string };
  /** How files of this family name the model's tensors. @param has whether the file has a tensor of a name */
  fileNames(has: (name: string) => boolean): FileName;
  /** Which squares are cut from a picture of this size, and how many tokens they become. */
  plan(config: ModelConfig, size: PictureSize, limits: PictureLimits): PicturePlan;
  /** What is done to pixels where preprocessor_config.json does not say. */
  preprocessing(config: ModelConfig): PreprocessorRules;
  /** Keys of its preprocessor_config.json beside filter, mean and deviation. Default: those of CLIP's. */
  preprocessorKeys?(config: ModelConfig): object;
  /** How prompts are written. */
  dialect(config: ModelConfig): Dialect;
  /** Defaults for generation; the checkpoint's generation_config.json comes before them. */
  readonly generation: GenerationDefaults;
  readonly tower: Tower;
  readonly connector: Connector;
  /** Control tokens that its tokenizer has behind those of the decoder's own. */
  readonly controlTokens?: readonly string[];
  /** What could be otherwise than the family's files say or assume, the likeliest first; `checkModel` scores them. */
  hypotheses(config: ModelConfig): Hypotheses;
  /** Whose prompts VLMEvalKit asks this family with, where not FlashVL's. */
  readonly vlmevalAdapter?: "internvl";
  /** What was not published about the family, and is assumed. */
  readonly assumed?: readonly string[];
  /** Tensors that files of this family carry and nothing uses. */
  unused?(config: ModelConfig): Tensor[];
}
