/** @file The life of one request: pictures to features, prompt to the scheduler, tokens to text, and what it took. */

import { hashImage, loadImage, preprocessImage } from "../processor/index.ts";
import { abortable } from "./abortable.ts";
import type { JsonConstraint, JsonConstraints } from "./constraint/index.ts";
import { Answer, type GenerateOptions, type GenerateResult, type TokenPart } from "./generate/index.ts";
import type { OpenModel } from "./open-model.ts";
import type { RequestPlan } from "./plan-request.ts";
import type { EncodedImage, VisionEncoder } from "./run/index.ts";
import { type Candidates, type LogitsProcessor, Sampler } from "./sampling/index.ts";
import { PromptLookup, type Scheduler, type SequenceReport } from "./schedule/index.ts";

/** What a request needs of its model. */
export interface AnswerContext {
  model: OpenModel;
  vision: VisionEncoder;
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
  { model, vision }: AnswerContext,
  plan: Pick<RequestPlan, "images">,
  signal: AbortSignal | undefined,
): Promise<PreparedImages> {
  const start = performance.now();
  const images: EncodedImage[] = [];
  for (const input of plan.images) {
    const image = await loadImage(input, { signal });
    const encoding = vision.encode(hashImage(image), () => preprocessImage(image, model.preprocessor));
    images.push(await abortable(encoding, signal));
  }
  return { images, imageMs: plan.images.length === 0 ? 0 : performance.now() - start };
}

/**
 * Answers a planned request. An abort after the start ends it with what there is and `finishReason: "abort"`.
 * @param emit receives each token's part of the text
 */
export async function answerRequest(
  context: AnswerContext,
  plan: RequestPlan,
  options: GenerateOptions,
  emit: (part: TokenPart) => void,
  prepared?: PreparedImages,
): Promise<GenerateResult> {
  const { model, scheduler, buffers } = context;
  const { signal } = options;
  const startedAt = performance.now();
  const limits = { endTokens: model.endTokens, maxNewTokens: plan.maxNewTokens, stop: options.stop ?? [] };
  const answer = new Answer(model.tokenizer.stream(), limits, emit);
  const wantsLogprobs = options.logprobs || (options.topLogprobs ?? 0) > 0;
  const logprobs = wantsLogprobs
    ? { top: options.topLogprobs ?? 0, temperature: options.logprobTemperature ?? 1 }
    : undefined;
  const { promptLookup } = options;
  const lookup = promptLookup
    ? new PromptLookup(plan.ids, promptLookup === true ? {} : promptLookup, plan.maxNewTokens)
    : undefined;

  let imageMs = 0;
  let submittedAt = startedAt;
  let report: SequenceReport | undefined;
  let constraint: JsonConstraint | undefined;
  try {
    if (options.schema !== undefined) constraint = await context.constraints.create(options.schema, signal);
    const sampling = constraint
      ? { ...options, logitsProcessor: both(options.logitsProcessor, constraint.apply) }
      : options;
    const sampler = new Sampler(sampling, plan.ids, buffers, logprobs);
    const ready = prepared ?? (await prepareImages(context, plan, signal));
    imageMs = ready.imageMs;
    submittedAt = performance.now();
    const accept = answer.accept.bind(answer);
    const { images } = ready;
    report = await scheduler.submit({ kind: "answer", ids: plan.ids, images, sampler, accept, signal, lookup });
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    constraint?.dispose();
  }
  answer.abort();
  const { text, tokens } = answer;
  const endedAt = performance.now();
  const result: GenerateResult = {
    text,
    tokens,
    finishReason: answer.finishReason!,
    usage: {
      promptTokens: plan.ids.length,
      completionTokens: tokens.length,
      cachedTokens: report?.cachedTokens ?? 0,
      imageTokens: plan.imageTokens,
      ...(lookup && { draftedTokens: lookup.drafted, acceptedTokens: lookup.accepted }),
    },
    timings: timings(report, { startedAt, submittedAt, endedAt, imageMs }, tokens.length),
  };
  if (wantsLogprobs) result.logprobs = answer.logprobs;
  if (options.topLogprobs) result.topLogprobs = answer.topLogprobs;
  return result;
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
