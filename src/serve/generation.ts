/** @file One request's way through the server: wait for a slot, decode its pictures, generate each answer, give the slot back. */
import { deriveSeed } from "../common/index.ts";
import type { GenerateOptions, RawPrompt } from "../engine/index.ts";
import type { Message, RgbImage } from "../processor/index.ts";
import type { AnswerToken, ChatModel, ChatResult } from "./chat-model.ts";
import type { ServeContext } from "./context.ts";
import { ApiError } from "./errors.ts";
import { atPlace, readPicture } from "./pictures.ts";
import type { Slot } from "./queue.ts";

/** A message whose pictures are still what `Picture` says; `param` names each one's place in the request. */
export interface JobMessage<Picture = string | Uint8Array> {
  role: Message["role"];
  content:
    | string
    | (
        | { type: "text"; text: string }
        | { type: "image"; image: Picture; maxTiles?: number; inPlace?: boolean; param: string }
      )[];
  toolCalls?: Message["toolCalls"];
}

/** What one request asks the model to do. */
export interface Job {
  messages: JobMessage[];
  /** A bare text to be continued, in place of messages. */
  raw?: RawPrompt;
  /** Number of answers; answer i > 0 is drawn with `deriveSeed(seed, i)`. */
  choices: number;
  options: GenerateOptions;
}

/** A step of a generation: text, its token's id and, if asked for, its logprob; or the end of one answer. */
export type RawEvent =
  | { choice: number; type: "text"; text: string; id?: number; token?: AnswerToken }
  | { choice: number; type: "end"; result: ChatResult };

/** What a route knows about the request besides the job. */
export interface JobRequest {
  /** `performance.now()` when the request arrived. */
  arrived: number;
  /** Aborts when the client is gone, the time is over or the server closes; its reason is thrown. */
  signal: AbortSignal;
}

/**
 * Runs a job; the slot is free again when the generator ends, for whatever reason.
 * Throws {@link ApiError} and the signal's reason.
 *
 * @example for await (const event of runJob(context, job, request)) if (event.type === "text") write(event.text);
 */
export async function* runJob(context: ServeContext, job: Job, request: JobRequest): AsyncGenerator<RawEvent> {
  const { signal } = request;
  const model = context.model();
  await checkOptions(model, job.options);
  signal.throwIfAborted();
  const { slot, messages } = await prepareMessages(context, job.messages, signal);
  try {
    for (let choice = 0; choice < job.choices; choice += 1) {
      const options: GenerateOptions = { ...job.options, signal };
      if (options.seed !== undefined && choice > 0) options.seed = deriveSeed(options.seed, choice);
      yield* answer(context, model, job.raw ?? messages, options, choice, request);
    }
  } finally {
    slot.release();
  }
}

/** What cannot be answered is refused before the request waits for a slot or holds one. */
async function checkOptions(model: ChatModel, options: GenerateOptions): Promise<void> {
  try {
    await model.checkOptions?.(options);
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
    throw new ApiError(400, cause.message, { code: "invalid_value", cause });
  }
}

/**
 * Reads a request's pictures, waits for a slot and decodes them; the caller releases the slot.
 * Pixels are large (150 MB at 50 megapixels), so only a request that runs may hold them.
 */
export async function prepareMessages(
  context: ServeContext,
  asked: JobMessage[],
  signal: AbortSignal,
): Promise<{ slot: Slot; messages: Message[] }> {
  const { maxPictureBytes, maxPixels } = context.settings;
  const encoded = await mapPictures(asked, (url, param) =>
    readPicture(url, param, context.pictures, maxPictureBytes, signal),
  );
  const asking = performance.now();
  const slot = await context.queue.acquire(signal);
  context.metrics.queued((performance.now() - asking) / 1000);
  try {
    let pixels = maxPixels;
    const messages = await mapPictures(encoded, async (bytes, param) => {
      const picture = await decode(context, bytes, pixels, param, signal);
      pixels -= picture.width * picture.height;
      return picture;
    });
    return { slot, messages };
  } catch (error) {
    slot.release();
    throw error;
  }
}

async function* answer(
  context: ServeContext,
  model: ChatModel,
  messages: Message[] | RawPrompt,
  options: GenerateOptions,
  choice: number,
  { arrived, signal }: JobRequest,
): AsyncGenerator<RawEvent> {
  const begun = choice === 0 ? arrived : performance.now();
  let last = 0;
  let tokens = 0;
  let ended = false;
  let failed = false;
  try {
    for await (const part of model.stream(null, messages, options)) {
      const now = performance.now();
      if (part.done) {
        const { result } = part;
        ended = true;
        context.metrics.answered(result.finishReason, (now - begun) / 1000, result.usage, tokens);
        signal.throwIfAborted();
        yield { choice, type: "end", result };
        return;
      }
      if (part.token !== undefined) {
        if (tokens === 0) context.metrics.firstToken((now - begun) / 1000);
        else context.metrics.nextToken((now - last) / 1000);
        last = now;
        tokens += 1;
      }
      signal.throwIfAborted();
      const { token, logprob, topLogprobs } = part;
      const scored =
        options.logprobs && token !== undefined && logprob !== undefined ? { token, logprob, topLogprobs } : undefined;
      yield { choice, type: "text", text: part.text, id: token, token: scored };
    }
  } catch (error) {
    failed = !signal.aborted;
    throw error;
  } finally {
    if (!ended) context.metrics.answered(failed ? "error" : "abort", (performance.now() - begun) / 1000);
  }
  signal.throwIfAborted();
  throw new Error("The model's stream ended without a result.");
}

/** Replaces every picture, one after the other, so that only one is worked on at a time. */
async function mapPictures<From, To>(
  messages: JobMessage<From>[],
  map: (picture: From, param: string) => Promise<To>,
): Promise<JobMessage<To>[]> {
  const mapped: JobMessage<To>[] = [];
  for (const { content, ...turn } of messages) {
    if (typeof content === "string") {
      mapped.push({ ...turn, content });
      continue;
    }
    const parts: Exclude<JobMessage<To>["content"], string> = [];
    for (const part of content) {
      parts.push(part.type === "text" ? part : { ...part, image: await map(part.image, part.param) });
    }
    mapped.push({ ...turn, content: parts });
  }
  return mapped;
}

async function decode(
  context: ServeContext,
  bytes: Uint8Array,
  maxPixels: number,
  param: string,
  signal: AbortSignal,
): Promise<RgbImage> {
  signal.throwIfAborted();
  try {
    return await context.pictures.decode(bytes, maxPixels);
  } catch (cause) {
    throw atPlace(cause, param);
  }
}
