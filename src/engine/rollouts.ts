/** @file Groups of answers to the same prompts, for reinforcement learning. */
import { deriveSeed, runPool } from "../common/index.ts";
import { type AnswerContext, answerPlan, type PreparedImages, prepareImages } from "./answer-plan.ts";
import type { GenerateResult } from "./generate/index.ts";
import { UNCHANGED } from "./generation-defaults.ts";
import type { PlannedPicture } from "./plan-pictures.ts";
import { checkRequests, type ManyRequest, planRequest, type RequestPlan } from "./plan-request.ts";

/** Answers to one prompt, and what the decoder was given to write them: what an update of its weights has to see. */
export interface RolloutGroup {
  readonly promptIds: readonly number[];
  readonly pictures: readonly PlannedPicture[];
  /** Of each picture, as the decoder got them: [tokens, hidden]. Do not write into them. */
  readonly pictureTokens: readonly Float32Array[];
  readonly answers: GenerateResult[];
}

/**
 * Samples answers to several prompts, as many at a time as the model batches. All pictures are encoded before the first answer
 * begins, so that who is written together depends on nothing but the requests.
 * @returns for each request, in order, a group of `samples` answers
 * @throws the first request's error that occurs; the others are cancelled.
 */
export async function rolloutMany(
  context: AnswerContext,
  requests: readonly ManyRequest[],
  samples: number,
): Promise<RolloutGroup[]> {
  if (!Number.isInteger(samples) || samples < 1)
    throw new RangeError(`samples must be a whole number >= 1; found ${samples}.`);
  checkRequests(requests);
  const plans: RequestPlan[] = [];
  for (const { image, messages, options = {} } of requests) {
    const logprobTemperature = options.logprobTemperature ?? (options.temperature || 1);
    const own = { ...UNCHANGED, doSample: true, ...options, logprobs: true, logprobTemperature };
    plans.push(await planRequest(context.parts, image, messages, own));
  }
  const prepared: PreparedImages[] = [];
  for (const plan of plans) prepared.push(await prepareImages(context, plan, plan.signal));
  const { maxBatch } = context.parts.limits;
  const results = await runPool(requests.length * samples, maxBatch, undefined, (index, shared) => {
    const [request, sample] = [Math.floor(index / samples), index % samples];
    const plan = plans[request]!;
    const { sampling } = plan.settings;
    const seed = sampling.seed === undefined ? undefined : deriveSeed(sampling.seed, sample);
    const settings = { ...plan.settings, sampling: { ...sampling, seed } };
    const signal = plan.signal ? AbortSignal.any([plan.signal, shared]) : shared;
    return answerPlan(context, { ...plan, settings, signal }, () => {}, prepared[request]);
  });
  return plans.map(({ ids, pictures }, request) => ({
    promptIds: ids,
    pictures,
    pictureTokens: prepared[request]!.images.map(({ features }) => features),
    answers: results.slice(request * samples, (request + 1) * samples),
  }));
}
