/** @file Checks a request and turns it into token ids: everything that can be refused is refused here, before any work. */
import { buildPrompt, IMAGE_SLOT_FIRST, type ImageInput, type Message, withImages } from "../processor/index.ts";
import { checkGenerateOptions, DEFAULT_MAX_NEW_TOKENS, type GenerateOptions, StopMatcher } from "./generate/index.ts";
import type { OpenModel } from "./open-model.ts";
import { samplingSettings } from "./sampling/index.ts";

/** One picture, several for the first user turn, or null when there are none or they stand in the messages. */
export type Images = ImageInput | readonly ImageInput[] | null;

/** Thrown when a conversation does not fit the model's context. */
export class ContextOverflowError extends Error {
  override readonly name = "ContextOverflowError";
  readonly code = "CONTEXT_OVERFLOW";
}

/** A request that is known to be possible. */
export interface RequestPlan {
  ids: number[];
  images: ImageInput[];
  imageTokens: number;
  maxNewTokens: number;
}

/**
 * @throws RangeError or TypeError for options outside their limits
 * @throws Error for messages that are no conversation
 * @throws ContextOverflowError when prompt and answer do not fit the context
 */
export function planRequest(
  model: OpenModel,
  images: Images,
  messages: readonly Message[],
  options: GenerateOptions,
): RequestPlan {
  checkGenerateOptions(options);
  samplingSettings(options, model.config.decoder.vocabSize);
  new StopMatcher(options.stop ?? []);
  const { imageTokens } = model.config;
  const prompt = buildPrompt(model.tokenizer, withImages(images, messages), {
    imageTokens,
    systemPrompt: options.systemPrompt,
  });
  const { maxContext } = model.limits;
  const left = maxContext - prompt.ids.length;
  const wanted = options.maxNewTokens ?? Math.min(DEFAULT_MAX_NEW_TOKENS, Math.max(1, left));
  if (wanted > left) {
    const pictures = prompt.ids.filter((id) => id === IMAGE_SLOT_FIRST).length;
    throw new ContextOverflowError(
      `The prompt has ${prompt.ids.length} tokens (${pictures} pictures of ${imageTokens}) and the answer may take ${wanted}; ` +
        `the context holds ${maxContext}. Shorten the conversation, lower maxNewTokens, or open the model with a larger maxContext.`,
    );
  }
  return {
    ids: prompt.ids,
    images: prompt.images,
    imageTokens: prompt.images.length * imageTokens,
    maxNewTokens: wanted,
  };
}
