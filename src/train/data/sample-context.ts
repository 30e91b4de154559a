/** @file What training samples are made for (the tokenizer, the dialect and the pictures of a model), and a sample made of a conversation. */

import { openModelCheckpoint, readCheckpoint } from "../../compile/index.ts";
import type { ModelChoices } from "../../model/index.ts";
import {
  buildPrompt,
  type Dialect,
  type EncodedConversation,
  encodeConversation,
  IGNORE_LABEL,
  imagesOf,
  type Message,
  type PictureLimits,
  type Tokenizer,
} from "../../processor/index.ts";
import { TrainingInputError } from "../input-error.ts";
import { PictureCache, type PictureContext, type PlannedPixels } from "./picture-cache.ts";
import { type Sequence, toSequence } from "./sequence.ts";

/** What samples are made for: the model's own files. */
export interface SampleContext extends PictureContext {
  readonly tokenizer: Tokenizer;
  readonly dialect: Dialect;
  /** Tokens of one window of a picture. */
  readonly imageTokens: number;
}

/**
 * Reads the files of a model folder that samples depend on.
 * @param options what the run says about pictures, and what the model leaves open
 * @throws TrainingInputError naming the file that is missing or not valid
 */
export async function readSampleContext(
  folder: string,
  { iss, maxTiles, thumbnail }: ModelChoices & PictureLimits = {},
): Promise<SampleContext> {
  try {
    const { checkpoint, config } = await openModelCheckpoint(folder, { iss });
    const description = await readCheckpoint(checkpoint, config).finally(() => checkpoint.close());
    return { ...description, imageTokens: config.windowTokens, pictureLimits: { maxTiles, thumbnail } };
  } catch (cause) {
    throw new TrainingInputError(`${folder} is no model to train: ${(cause as Error).message}`, { cause });
  }
}

/** A conversation as ids and labels, with its pictures, of which only headers are read. */
export async function encodePlanned(
  { tokenizer, dialect }: SampleContext,
  messages: readonly Message[],
  cache: PictureCache,
): Promise<EncodedConversation & { readonly planned: readonly PlannedPixels[] }> {
  const planned = await Promise.all(imagesOf(messages).map((image) => cache.plan(image)));
  const imageTokens = planned.map(({ plan }) => plan.tokens);
  return { ...encodeConversation(tokenizer, messages, { imageTokens, dialect }), planned };
}

/** Tokens of a conversation as it is trained on, those of its pictures among them, and those of its answers. Only headers of pictures are read. */
export async function conversationSize(
  context: SampleContext,
  messages: readonly Message[],
): Promise<{ readonly tokens: number; readonly pictureTokens: number; readonly answerTokens: number }> {
  const cache = new PictureCache(context);
  if (!messages.some(({ role }) => role === "assistant")) {
    // A prompt: its answers are sampled.
    const plans = await Promise.all(imagesOf(messages).map(async (image) => (await cache.plan(image)).plan));
    const imageTokens = plans.map(({ tokens }) => tokens);
    const { ids } = buildPrompt(context.tokenizer, messages, { imageTokens, dialect: context.dialect });
    return { tokens: ids.length, pictureTokens: imageTokens.reduce((sum, n) => sum + n, 0), answerTokens: 0 };
  }
  const { ids, labels, planned } = await encodePlanned(context, messages, cache);
  return {
    tokens: ids.length,
    pictureTokens: planned.reduce((sum, { plan }) => sum + plan.tokens, 0),
    answerTokens: labels.filter((label) => label !== IGNORE_LABEL).length,
  };
}

/**
 * A conversation as a training sample: its assistant turns are trained.
 * @throws Error when there is no assistant turn, or a picture is missing or broken
 * @example yield await encodeSample(context, [{ role: "user", content: "1 + 1?" }, { role: "assistant", content: "2" }]);
 */
export async function encodeSample(context: SampleContext, messages: Message[]): Promise<Sequence> {
  const { ids, labels, planned } = await encodePlanned(context, messages, new PictureCache(context));
  const pictures = await Promise.all(planned.map((picture) => picture.pixels()));
  const windows = planned.map(({ plan }) => plan.windows);
  return toSequence([{ ids, labels }], pictures, windows);
}
