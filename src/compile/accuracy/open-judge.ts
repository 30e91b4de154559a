/** @file From an open checkpoint to a judge of its precisions. */
import type { Checkpoint } from "../../hub/index.ts";
import type { ModelConfig } from "../../model/index.ts";
import { checkpointEmbeddings } from "../checkpoint-embeddings.ts";
import { readPreprocessor, readTokenizer } from "../read-checkpoint.ts";
import { AccuracyJudge, type AccuracyOptions } from "./accuracy-report.ts";
import type { AccuracyModel } from "./prompt-reader.ts";

/** What all precisions of a checkpoint share. @throws Error when tokenizer.json is missing or does not belong to the model */
export async function accuracyModel(checkpoint: Checkpoint, config: ModelConfig): Promise<AccuracyModel> {
  const tokenizer = await readTokenizer(checkpoint, config);
  const preprocessor = await readPreprocessor(checkpoint, config);
  return { config, tokenizer, preprocessor, embeddings: checkpointEmbeddings(checkpoint, config) };
}

/**
 * Reads what the prompts need and makes a judge; graphs are compiled when they are first judged.
 * @throws Error when tokenizer.json is missing or does not belong to the model.
 * @example const judge = await openAccuracyJudge(checkpoint, config, { runtime, prompts: samplePrompts() });
 */
export async function openAccuracyJudge(
  checkpoint: Checkpoint,
  config: ModelConfig,
  options: AccuracyOptions,
): Promise<AccuracyJudge> {
  return new AccuracyJudge(checkpoint, await accuracyModel(checkpoint, config), options);
}
