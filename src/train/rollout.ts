/** @file Rollouts: groups of answers by the project's own engine, scored. */

import type { FlashVL, ManyRequest } from "../engine/index.ts";
import { buildPrompt, loadImage, type PreprocessorConfig, preprocessImage, withImages } from "../processor/index.ts";
import type { Task } from "../tasks/index.ts";
import { combineRewards, type Reward } from "./advantages.ts";
import type { PictureInput } from "./grpo-graph.ts";
import { type NamedReward, scoreAll } from "./rewards.ts";

export interface RolloutOptions {
  /** Answers per prompt. */
  readonly groupSize: number;
  readonly temperature: number;
  readonly maxNewTokens: number;
  /** Seed of the first answer of the first prompt; every answer gets its own. */
  readonly seed: number;
  /** What groups hold of their pictures: pixels [3, size, size], or the model's tokens of them [imageTokens, hidden]. Default "pixels". */
  readonly pictures?: PictureInput;
}

export interface Answer {
  readonly text: string;
  readonly tokens: readonly number[];
  /** Log-probability of each token when it was drawn. */
  readonly logProbs: readonly number[];
  /** Ended by the token limit instead of by itself. */
  readonly truncated: boolean;
  /** One per reward function. */
  readonly rewards: readonly Reward[];
  readonly reward: Reward;
}

export interface Group<Row> {
  readonly row: Row;
  readonly promptIds: readonly number[];
  /** Pixels, or tokens: see `RolloutOptions.pictures`. */
  readonly pictures: readonly Float32Array[];
  readonly answers: readonly Answer[];
}

/** Keeps seeds of neighbouring prompts apart. */
const SEED_STRIDE = 65_536;

/** A group of sampled, scored answers for each row. Deterministic for the same weights, rows and seed. */
export async function rollout<Row>(
  model: FlashVL,
  task: Task<Row>,
  rows: readonly Row[],
  rewards: readonly NamedReward<Row>[],
  preprocessor: PreprocessorConfig,
  options: RolloutOptions,
): Promise<Group<Row>[]> {
  const { groupSize, temperature, maxNewTokens, seed } = options;
  const requests: ManyRequest[] = [];
  for (const [i, row] of rows.entries()) {
    const { images, messages } = task.prompt(row);
    const loaded = await Promise.all(images.map((image) => loadImage(image)));
    const sampling = { doSample: true, temperature, topP: 1, maxNewTokens, seed: (seed + i * SEED_STRIDE) % 2 ** 32 };
    requests.push({ image: loaded, messages, options: sampling });
  }
  const results = await model.rolloutMany(requests, groupSize);
  const groups: Group<Row>[] = [];
  for (const [i, row] of rows.entries()) {
    const { image, messages } = requests[i]!;
    const prompt = buildPrompt(model.tokenizer, withImages(image, messages), { imageTokens: model.config.imageTokens });
    // Pictures may also stand inside the messages.
    const pictures = await Promise.all(prompt.images.map((picture) => loadImage(picture)));
    const answers = await Promise.all(
      results[i]!.map(async ({ text, tokens, logprobs, finishReason }): Promise<Answer> => {
        const scores = await scoreAll(rewards, { task, row, text, tokens, maxTokens: maxNewTokens });
        const reward = combineRewards(
          scores,
          rewards.map((r) => r.weight),
        );
        return { text, tokens, logProbs: logprobs!, truncated: finishReason === "length", rewards: scores, reward };
      }),
    );
    groups.push({
      row,
      promptIds: prompt.ids,
      pictures: await Promise.all(
        pictures.map((picture) =>
          options.pictures === "tokens" ? model.pictureTokens(picture) : preprocessImage(picture, preprocessor),
        ),
      ),
      answers,
    });
  }
  return groups;
}
