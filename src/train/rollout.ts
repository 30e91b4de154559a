/** @file Rollouts: groups of answers by the project's own engine, scored. */

import { deriveSeed } from "../common/index.ts";
import type { ManyRequest } from "../engine/index.ts";
import type { FlashVL } from "../node/index.ts";
import { loadImage, makePixels, type PreprocessorConfig } from "../processor/index.ts";
import type { Task } from "../tasks/index.ts";
import { combineRewards, type Reward } from "./advantages.ts";
import type { PictureInput } from "./picture-input.ts";
import { type NamedReward, scoreAll } from "./rewards.ts";

export interface RolloutOptions {
  /** Answers per prompt. */
  readonly groupSize: number;
  readonly temperature: number;
  readonly maxNewTokens: number;
  /** Every answer is drawn with a seed of its own, hashed from this one, the number of its row and its number in the group. */
  readonly seed: number;
  /** Number of the first row: of rows that are dealt to several processes, each keeps its number among all. Default 0. */
  readonly first?: number;
  /** What groups hold of their pictures: pixels [windows, 3, size, size], or the model's tokens of them [tokens, hidden]. Default "pixels". */
  readonly pictures?: PictureInput;
}

export interface Completion {
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
  /** Windows of each picture, where they are not one each. */
  readonly windows?: readonly number[];
  readonly answers: readonly Completion[];
}

/** A group of sampled, scored answers for each row. Deterministic for the same weights, rows and seed. */
export async function rollout<Row>(
  model: FlashVL,
  task: Task<Row>,
  rows: readonly Row[],
  rewards: readonly NamedReward<Row>[],
  preprocessor: PreprocessorConfig,
  options: RolloutOptions,
): Promise<Group<Row>[]> {
  const { groupSize, temperature, maxNewTokens, seed, first = 0 } = options;
  const requests: ManyRequest[] = [];
  for (const [i, row] of rows.entries()) {
    const { images, messages } = task.prompt(row);
    const loaded = await Promise.all(images.map((image) => loadImage(image)));
    const sampling = { doSample: true, temperature, topP: 1, maxNewTokens, seed: deriveSeed(seed, first + i) };
    requests.push({ image: loaded, messages, options: sampling });
  }
  const results = await model.rolloutMany(requests, groupSize);
  const groups: Group<Row>[] = [];
  for (const [i, row] of rows.entries()) {
    const { promptIds, pictures, pictureTokens } = results[i]!;
    const answers = await Promise.all(
      results[i]!.answers.map(async ({ text, tokens, logprobs, finishReason }): Promise<Completion> => {
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
      promptIds,
      pictures:
        options.pictures === "tokens"
          ? pictureTokens
          : await Promise.all(
              pictures.map(async ({ image, plan }) => makePixels(await image.load(), plan, preprocessor)),
            ),
      windows: pictures.map(({ plan }) => plan.windows),
      answers,
    });
  }
  return groups;
}
