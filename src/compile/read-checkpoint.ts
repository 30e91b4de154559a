/** @file What a checkpoint's JSON files mean: sizes, tokenizer, pictures, end tokens; whatever is wrong in them is a CheckpointError. */

import { endTokens, generationDefaults, type ModelDescription, readModelCard } from "../engine/index.ts";
import { type Checkpoint, CheckpointError, openCheckpoint, renamedCheckpoint } from "../hub/index.ts";
import { dialectOf, familyOf, type ModelChoices, type ModelConfig, parseConfig, storedIn } from "../model/index.ts";
import { type PreprocessorConfig, readPreprocessorConfig, Tokenizer } from "../processor/index.ts";
import { readChoices } from "./choices.ts";

/** An open checkpoint of a model that is understood. */
export interface ModelCheckpoint {
  readonly config: ModelConfig;
  /** By the model's own names of tensors; `asStored` has the names of its files. */
  readonly checkpoint: Checkpoint;
}

/**
 * Opens a folder with a checkpoint of any family. Only headers are read; shapes are checked by what loads the tensors.
 * @param base the model that an adapter belongs to, where it is not the one that its config names; other options are choices,
 *   which come before those that `writeChoices` has kept in the cache
 * @throws HubError, or CheckpointError saying which file cannot be used
 * @example
 * const { checkpoint, config } = await openModelCheckpoint("models/flashvl-tiny");
 */
export async function openModelCheckpoint(
  folder: string,
  { base, cacheDir, ...choices }: ModelChoices & { readonly base?: string; readonly cacheDir?: string } = {},
): Promise<ModelCheckpoint> {
  const files = await openCheckpoint(folder, base);
  try {
    const config = await readConfig(files, { ...(await readChoices(files, cacheDir)), ...withoutUndefined(choices) });
    const stored = storedIn(config, (name) => files.tensors.has(name));
    return { config, checkpoint: renamedCheckpoint(files, stored) };
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** What was chosen, without what was left open. */
const withoutUndefined = (choices: ModelChoices): ModelChoices =>
  Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined));

/** What config.json says, and what the other files say that it leaves open. @throws CheckpointError when it cannot be used */
export const readConfig = (files: Checkpoint, choices: ModelChoices = {}): Promise<ModelConfig> =>
  understood(files, async () =>
    parseConfig(files.config, { choices, tensors: files.tensors, preprocessor: await preprocessorJson(files) }),
  );

/** transformers writes the picture's part of a processor into either file. */
async function preprocessorJson(checkpoint: Checkpoint): Promise<unknown> {
  const own = await checkpoint.readJson("preprocessor_config.json");
  if (own !== undefined) return own;
  const whole = (await checkpoint.readJson("processor_config.json")) as { image_processor?: unknown } | undefined;
  return whole?.image_processor ?? undefined;
}

/**
 * Reads and checks the JSON files.
 * @throws CheckpointError saying which file cannot be used, or which two contradict each other
 */
export async function readCheckpoint(checkpoint: Checkpoint, known?: ModelConfig): Promise<ModelDescription> {
  const config = known ?? (await readConfig(checkpoint));
  const tokenizer = await readTokenizer(checkpoint, config);
  const preprocessor = await readPreprocessor(checkpoint, config);
  const generationConfig = await checkpoint.readJson("generation_config.json");
  const ends = await understood(checkpoint, () => endTokens(config, generationConfig, tokenizer));
  const generation = await understood(checkpoint, () => generationDefaults(config, generationConfig));
  const card = await understood(checkpoint, async () => readModelCard(await checkpoint.readJson("flashvl.json")));
  return { config, tokenizer, preprocessor, dialect: dialectOf(config), endTokens: ends, generation, card };
}

/** The checkpoint's tokenizer. @throws CheckpointError when there is none, or it has more tokens than the model */
export function readTokenizer(checkpoint: Checkpoint, config: ModelConfig): Promise<Tokenizer> {
  return understood(checkpoint, async () => {
    const json = await checkpoint.readJson("tokenizer.json");
    if (json === undefined) throw new Error("there is no tokenizer.json; a checkpoint cannot be used without");
    const tokenizer = Tokenizer.fromJSON(json, await checkpoint.readJson("tokenizer_config.json"));
    if (tokenizer.vocabSize > config.decoder.vocabSize) {
      throw new Error(
        `tokenizer.json has ${tokenizer.vocabSize} tokens, but config.json gives the model ${config.decoder.vocabSize}; ` +
          "the files do not belong together",
      );
    }
    return tokenizer;
  });
}

/** How the checkpoint wants its pictures. @throws CheckpointError when that contradicts config.json */
export function readPreprocessor(checkpoint: Checkpoint, config: ModelConfig): Promise<PreprocessorConfig> {
  return understood(checkpoint, async () => {
    const { imageSize } = config.vision;
    const json = await preprocessorJson(checkpoint);
    const preprocessor = readPreprocessorConfig(json ?? {}, familyOf(config).preprocessing(config));
    if (preprocessor.size !== imageSize) {
      throw new Error(
        `preprocessor_config.json resizes to ${preprocessor.size} pixels, but config.json's image_size is ${imageSize}; ` +
          "the files do not belong together",
      );
    }
    return preprocessor;
  });
}

/** The rooms that read a file's content do not know the folder it came from. */
async function understood<Result>(checkpoint: Checkpoint, read: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof CheckpointError || !(cause instanceof Error)) throw cause;
    throw new CheckpointError(checkpoint.folder, cause.message, undefined, { cause });
  }
}
