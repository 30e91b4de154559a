/** @file The life of one request: pictures to features, prompt to the scheduler, tokens to text, and what it took. */

import { type ImageInput, type PictureLimits, planKey } from "../processor/core.ts";
import { abortable } from "./abortable.ts";
import type { JsonConstraints } from "./constraint/index.ts";
import { pictureLimits } from "./engine-limits.ts";
import type { EngineParts } from "./engine-parts.ts";
import { AnswerBuilder, type GenerateResult, PartQueue, type StreamPart, type TokenPart } from "./generate/index.ts";
import { picturesTokens, planPictures } from "./plan-pictures.ts";
import type { RequestPlan } from "./plan-request.ts";
import type { DecoderRunner, EncodedImage, VisionEncoder } from "./run/index.ts";
import { type Candidates, type LogitsProcessor, Sampler } from "./sampling/index.ts";
import { PromptLookup, type Scheduler, type SequenceReport } from "./schedule/index.ts";

const NO_TOKENS: ReadonlySet<number> = new Set();

/** What a request needs of its model. */
export interface AnswerContext {
  parts: EngineParts;
  vision: VisionEncoder;
  runner: DecoderRunner;
  scheduler: Scheduler;
  /** Grammars of JSON schemas. */
  constraints: JsonConstraints;
  /** Buffers of all samplers: choices are made one after the other. */
  buffers: Candidates;
}

/** Pictures whose features are ready, and how long that took. */
export interface PreparedImages {
  images: EncodedImage[];
  imageMs: number;
}

/** Loads and encodes a plan's pictures; those that are known cost neither resizing nor the tower. */
export async function prepareImages(
  { parts, vision }: AnswerContext,
  plan: Pick<RequestPlan, "pictures">,
  signal: AbortSignal | undefined,
): Promise<PreparedImages> {
  const start = performance.now();
  const images: EncodedImage[] = [];
  for (const { image, plan: picture } of plan.pictures) {
    signal?.throwIfAborted();
    const pixels = await image.load();
    signal?.throwIfAborted();
    const content = `${await parts.pictures.hash(pixels)} ${planKey(picture)}`;
    const encoding = vision.encode(content, picture, () =>
      parts.pictures.pixels(pixels, picture, parts.description.preprocessor),
    );
    images.push(await abortable(encoding, signal));
  }
  return { images, imageMs: plan.pictures.length === 0 ? 0 : performance.now() - start };
}

/** One picture's tokens as the decoder gets them, [tokens, hidden]. */
export async function pictureTokens(
  context: AnswerContext,
  image: ImageInput,
  limits: PictureLimits,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { pictures, description, pictureLimits: own } = context.parts;
  const planned = await planPictures(
    pictures.open,
    description.config,
    [{ image }],
    pictureLimits(limits, own),
    signal,
  );
  const { images } = await prepareImages(context, { pictures: planned }, signal);
  return images[0]!.features;
}

/**
 * Answers a planned request. An abort after the start ends it with what there is and `finishReason: "abort"`.
 * @param emit receives each token's part of the text
 * @param prepared pictures that are ready, where several answers share one plan: each begins on its own
 */
export async function answerPlan(
  context: AnswerContext,
  plan: RequestPlan,
  emit: (part: TokenPart) => void,
  prepared?: PreparedImages,
): Promise<GenerateResult> {
  const { scheduler, buffers } = context;
  const { tokenizer, endTokens } = context.parts.description;
  const { ids, settings, maxNewTokens, signal } = plan;
  const { sampling, stop, callStop, logprobs, structure } = settings;
  const startedAt = prepared ? performance.now() : plan.startedAt;
  const limits = {
    endTokens: settings.ignoreEndTokens ? NO_TOKENS : endTokens,
    maxNewTokens,
    stop: [...stop, ...callStop],
  };
  const answer = new AnswerBuilder(tokenizer.stream(), limits, emit);
  const lookup = settings.lookup && new PromptLookup(ids, settings.lookup, maxNewTokens);

  let imageMs = 0;
  let submittedAt = startedAt;
  let report: SequenceReport | undefined;
  try {
    const constraint =
      structure === undefined ? undefined : await abortable(context.constraints.open(structure), signal);
    const logitsProcessor = constraint ? both(sampling.logitsProcessor, constraint.apply) : sampling.logitsProcessor;
    const sampler = new Sampler({ ...sampling, logitsProcessor }, ids, buffers, logprobs);
    const ready = prepared ?? (await prepareImages(context, plan, signal));
    imageMs = ready.imageMs + plan.openMs;
    submittedAt = performance.now();
    const accept = answer.accept.bind(answer);
    const prepare = constraint && (() => constraint.prepare(sampler.generated));
    const { images } = ready;
    report = await scheduler.submit({ kind: "answer", ids, images, sampler, prepare, accept, signal, lookup });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
  answer.abort();
  const { text, tokens } = answer;
  const endedAt = performance.now();
  const result: GenerateResult = {
    text,
    tokens,
    finishReason: answer.finishReason!,
    ...(answer.stopString !== undefined && stop.includes(answer.stopString) && { stopString: answer.stopString }),
    usage: {
      promptTokens: ids.length,
      completionTokens: tokens.length,
      cachedTokens: report?.cachedTokens ?? 0,
      imageTokens: picturesTokens(plan.pictures),
      imageTiles: plan.pictures.reduce((sum, { plan: picture }) => sum + picture.windows, 0),
      ...(lookup && { draftedTokens: lookup.drafted, acceptedTokens: lookup.accepted }),
    },
    timings: timings(report, { startedAt, submittedAt, endedAt, imageMs }, tokens.length),
  };
  if (logprobs) result.logprobs = answer.logprobs;
  if (logprobs && logprobs.top > 0) result.topLogprobs = answer.topLogprobs;
  return result;
}

/** {@link answerPlan} token by token; the last part has `done: true` and the result. Leaving the loop cancels the request. */
export async function* streamPlan(
  context: AnswerContext,
  plan: RequestPlan,
): AsyncGenerator<StreamPart, void, undefined> {
  const left = new AbortController();
  const signal = plan.signal ? AbortSignal.any([plan.signal, left.signal]) : left.signal;
  const parts = new PartQueue<StreamPart>();
  answerPlan(context, { ...plan, signal }, (part) => parts.push(part)).then(
    (result) => {
      parts.push({ done: true, text: "", result });
      parts.end();
    },
    (error) => parts.end(error),
  );
  try {
    yield* parts;
  } finally {
    left.abort();
  }
}

/** What a request comes to that is aborted while it is planned. */
export function abortedResult(startedAt: number): GenerateResult {
  const endedAt = performance.now();
  return {
    text: "",
    tokens: [],
    finishReason: "abort",
    usage: { promptTokens: 0, completionTokens: 0, cachedTokens: 0, imageTokens: 0 },
    timings: timings(undefined, { startedAt, submittedAt: endedAt, endedAt, imageMs: 0 }, 0),
  };
}

function timings(
  report: SequenceReport | undefined,
  at: { startedAt: number; submittedAt: number; endedAt: number; imageMs: number },
  tokens: number,
): GenerateResult["timings"] {
  const began = report?.startedAt || at.endedAt;
  const first = report?.firstTokenAt || at.endedAt;
  const last = report?.firstTokenAt ? report.endedAt : at.endedAt;
  const decodeMs = tokens > 0 ? last - first : 0;
  return {
    imageMs: at.imageMs,
    queueMs: began - at.submittedAt,
    prefillMs: first - began,
    timeToFirstTokenMs: first - at.startedAt,
    decodeMs,
    perTokenMs: tokens > 1 ? decodeMs / (tokens - 1) : 0,
    totalMs: at.endedAt - at.startedAt,
  };
}

/** The caller's processor, then the schema's, which has the last word. */
const both = (first: LogitsProcessor | undefined, second: LogitsProcessor): LogitsProcessor =>
  first
    ? (logits, generated) => {
        first(logits, generated);
        second(logits, generated);
      }
    : second;
