/** @file What a checkpoint's JSON files mean: sizes, tokenizer, pictures, end tokens; whatever is wrong in them is a CheckpointError. */
import { type Checkpoint, CheckpointError } from "../hub/index.ts";
import { type FlashVLConfig, parseConfig } from "../model/index.ts";
import { type PreprocessorConfig, readPreprocessorConfig, Tokenizer } from "../processor/index.ts";
import { endTokens } from "./end-tokens.ts";

/** Everything but the weights. */
export interface CheckpointDescription {
  config: FlashVLConfig;
  tokenizer: Tokenizer;
  preprocessor: PreprocessorConfig;
  endTokens: ReadonlySet<number>;
}

/**
 * Reads and checks the JSON files.
 * @throws CheckpointError saying which file cannot be used, or which two contradict each other
 */
export async function readCheckpoint(checkpoint: Checkpoint): Promise<CheckpointDescription> {
  const config = await understood(checkpoint, () => parseConfig(checkpoint.config));
  const tokenizer = await readTokenizer(checkpoint, config);
  const preprocessor = await readPreprocessor(checkpoint, config);
  const generationConfig = await checkpoint.readJson("generation_config.json");
  const ends = await understood(checkpoint, () => endTokens(config, generationConfig, tokenizer));
  return { config, tokenizer, preprocessor, endTokens: ends };
}

/** The checkpoint's tokenizer. @throws CheckpointError when there is none, or it has more tokens than the model */
export function readTokenizer(checkpoint: Checkpoint, config: FlashVLConfig): Promise<Tokenizer> {
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
export function readPreprocessor(checkpoint: Checkpoint, config: FlashVLConfig): Promise<PreprocessorConfig> {
  return understood(checkpoint, async () => {
    const { imageSize } = config.vision;
    const json = await checkpoint.readJson("preprocessor_config.json");
    const preprocessor = readPreprocessorConfig(json ?? { size: imageSize });
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
