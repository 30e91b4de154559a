/** @file What training samples are made for: the tokenizer, preprocessor and picture size of a model folder. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseConfig } from "../../model/index.ts";
import { readPreprocessorConfig, Tokenizer } from "../../processor/index.ts";
import { TrainingInputError } from "../input-error.ts";
import type { SampleContext } from "./market-source.ts";

/**
 * Reads the files of a model folder that samples depend on.
 * @throws Error naming the file that is missing or not valid
 */
export async function readSampleContext(folder: string): Promise<SampleContext> {
  const json = async (name: string): Promise<unknown> => {
    const path = join(folder, name);
    try {
      return JSON.parse(await readFile(path, "utf8"));
    } catch (error) {
      throw new TrainingInputError(
        `${path} cannot be read, so ${folder} is no model to train: ${(error as Error).message}`,
        { cause: error },
      );
    }
  };
  return {
    tokenizer: Tokenizer.fromJSON(await json("tokenizer.json"), await json("tokenizer_config.json")),
    preprocessor: readPreprocessorConfig(await json("preprocessor_config.json")),
    imageTokens: parseConfig(await json("config.json")).imageTokens,
  };
}
