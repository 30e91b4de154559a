/** @file Checks a request and turns it into token ids: everything that can be refused is refused here, before any work. */
import { inSlices, refuseUnknown } from "../common/index.ts";
import {
  encodePieces,
  type ImageInput,
  imagePartsOf,
  layOutPrompt,
  type Message,
  type Piece,
  withImages,
} from "../processor/core.ts";
import { pictureLimits } from "./engine-limits.ts";
import type { EngineParts } from "./engine-parts.ts";
import { type AnswerSettings, answerSettings, type GenerateOptions } from "./generate/index.ts";
import { withDefaults } from "./generation-defaults.ts";
import { type PlannedPicture, planPictures } from "./plan-pictures.ts";

/** One picture, several for the first user turn, or null when there are none or they stand in the messages. */
export type Images = ImageInput | readonly ImageInput[] | null;

/** One of many requests. */
export interface ManyRequest {
  image: Images;
  messages: readonly Message[];
  options?: GenerateOptions;
}

const REQUEST: readonly (keyof ManyRequest)[] = ["image", "messages", "options"];

/** @throws RangeError or TypeError for a key that no request has */
export function checkRequests(requests: readonly ManyRequest[]): void {
  for (const request of requests) refuseUnknown("key of a request", request, REQUEST);
}

/** Thrown when a conversation does not fit the model's context. */
export class ContextOverflowError extends Error {
  override readonly name = "ContextOverflowError";
  readonly code = "CONTEXT_OVERFLOW";
}

/** What an answer continues: a conversation, or the bare beginning of a text, in which control tokens may be written. */
export type Conversation = readonly Message[] | RawPrompt;

/** A text or its tokens, without any template. */
export interface RawPrompt {
  prompt: string | readonly number[];
}

/** A request that is known to be possible: read and checked once, and carried to the end of its answer. */
export interface RequestPlan {
  ids: number[];
  pictures: PlannedPicture[];
  settings: AnswerSettings;
  maxNewTokens: number;
  signal: AbortSignal | undefined;
  /** When planning began, and how long opening the pictures took: `performance.now()` and milliseconds. */
  startedAt: number;
  openMs: number;
}

/**
 * @throws RangeError or TypeError for options outside their limits
 * @throws Error for messages that are no conversation, InputError for pictures that cannot be read, or the signal's reason
 * @throws ContextOverflowError when prompt and answer do not fit the context
 */
export async function planRequest(
  parts: Pick<EngineParts, "description" | "limits" | "pictureLimits" | "pictures">,
  images: Images,
  messages: Conversation,
  options: GenerateOptions,
): Promise<RequestPlan> {
  const { config, tokenizer, dialect, generation } = parts.description;
  const startedAt = performance.now();
  const settings = answerSettings(withDefaults(options, generation), config.decoder.vocabSize);
  const limits = pictureLimits(options, parts.pictureLimits);
  const isRaw = "prompt" in messages;
  const conversation = isRaw ? [] : withImages(images, messages);
  const { systemPrompt, signal } = options;
  const pictures = await planPictures(parts.pictures.open, config, imagePartsOf(conversation), limits, signal);
  const openMs = pictures.length === 0 ? 0 : performance.now() - startedAt;
  const imageTokens = pictures.map(({ plan }) => plan.tokens);
  const layout = { imageTokens, dialect, systemPrompt, tools: settings.tools };
  const pieces = isRaw ? rawPieces(messages, config.decoder.vocabSize) : layOutPrompt(conversation, layout).pieces;
  const { maxContext } = parts.limits;
  const tiled = pictures.some(({ plan }) => plan.windows > 1);
  // A text of more bytes than the context's tokens can stand for is not even read: of long texts reading costs seconds.
  const characters = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
  const ids =
    characters > maxContext * tokenizer.longestToken
      ? undefined
      : await inSlices(encodePieces(tokenizer, pieces, maxContext));
  signal?.throwIfAborted();
  if (ids === undefined || ids.length > maxContext) {
    throw new ContextOverflowError(
      `The prompt has more than ${maxContext} tokens (${characters} characters, ${describePictures(pictures)}), and the context holds ${maxContext}. ` +
        `Shorten the conversation${tiled ? ", lower maxTiles" : ""}, or open the model with a larger maxContext.`,
    );
  }
  const left = maxContext - ids.length;
  const maxNewTokens = settings.maxNewTokens ?? Math.min(generation.maxNewTokens, Math.max(1, left));
  if (maxNewTokens > left) {
    throw new ContextOverflowError(
      `The prompt has ${ids.length} tokens (${describePictures(pictures)}) and the answer may take ${maxNewTokens}; ` +
        `the context holds ${maxContext}. Shorten the conversation, lower ${tiled ? "maxTiles or " : ""}maxNewTokens, ` +
        "or open the model with a larger maxContext.",
    );
  }
  return { ids, pictures, settings, maxNewTokens, signal, startedAt, openMs };
}

const lengthOf = (piece: Piece): number =>
  typeof piece === "string"
    ? piece.length
    : "template" in piece
      ? piece.template.length
      : "ids" in piece
        ? piece.ids.length
        : 0;

/** @throws RangeError for tokens that the model does not have; Error for a prompt without any */
function rawPieces({ prompt }: RawPrompt, vocabSize: number): Piece[] {
  if (prompt.length === 0) throw new RangeError("The prompt is empty; expected at least one token.");
  if (typeof prompt === "string") return [{ template: prompt }];
  const unknown = prompt.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
  if (unknown !== undefined) throw new RangeError(`${unknown} is not a token: the vocabulary has ${vocabSize}.`);
  return [{ ids: prompt }];
}

/** "2 pictures of 256", or where they differ "2 pictures of 256, 1792". */
const describePictures = (pictures: readonly PlannedPicture[]): string =>
  `${pictures.length} pictures of ${[...new Set(pictures.map(({ plan }) => plan.tokens))].join(", ") || 0}`;
