/** @file "Where did it look": the decoder's attention over the pictures when it wrote one token. */
import { IMAGE_SLOT_FIRST, type Message } from "../processor/index.ts";
import { type AnswerContext, prepareImages } from "./answer-request.ts";
import { planRequest } from "./plan-request.ts";

/** Where the decoder looked: one weight per picture token, row by row. */
export interface AttentionMap {
  /** Rows and columns of the map; rows × columns = tokens of one picture. */
  rows: number;
  columns: number;
  /** One map per picture, [rows × columns], mean over layers and heads; its sum is the share of attention on that picture. */
  maps: Float32Array[];
  /** The same for each picture and layer. */
  layers: Float32Array[][];
}

/**
 * Feeds the conversation and the answer up to the token before `index`, from which token `index` was chosen, and sums up
 * its attention. What the KV cache knows of the conversation is not computed again.
 * @throws RangeError when the answer has no such token; Error for a conversation without a picture
 */
export async function look(
  context: AnswerContext,
  messages: readonly Message[],
  answer: string | readonly number[],
  index: number,
  signal?: AbortSignal,
): Promise<AttentionMap> {
  const { model, scheduler } = context;
  const { imageTokens, pixelShuffle, decoder } = model.config;
  const tokens = typeof answer === "string" ? model.tokenizer.encode(answer) : answer;
  // The place after the last token is where the end of the answer was chosen.
  if (!Number.isInteger(index) || index < 0 || index > tokens.length)
    throw new RangeError(
      `The answer has ${tokens.length} tokens; index must be from 0 to ${tokens.length}, found ${index}.`,
    );
  const unknown = tokens.find((token) => !(Number.isInteger(token) && token >= 0 && token < decoder.vocabSize));
  if (unknown !== undefined)
    throw new RangeError(`${unknown} is not a token: the vocabulary has ${decoder.vocabSize}.`);
  const plan = planRequest(model, null, messages, { maxNewTokens: Math.max(1, index) });
  if (plan.images.length === 0) throw new Error("There is no picture in the conversation to look at.");
  const { images } = await prepareImages(context, plan, signal);
  let weights: readonly Float32Array[] = [];
  const looked = (layers: readonly Float32Array[]) => {
    weights = layers;
  };
  const ids = [...plan.ids, ...tokens.slice(0, index)];
  const { aborted } = await scheduler.submit({ kind: "look", ids, images, looked, signal });
  if (aborted) signal!.throwIfAborted();
  const side = Math.sqrt(imageTokens);
  const firsts = [...ids.keys()].filter((at) => ids[at] === IMAGE_SLOT_FIRST);
  const layers = firsts.map((first) =>
    weights.map((layer) => {
      const map = layer.slice(first, first + imageTokens);
      return pixelShuffle === "row-major" ? map : transpose(map, side);
    }),
  );
  return { rows: side, columns: side, maps: layers.map(mean), layers };
}

/** [side, side] with rows and columns exchanged. */
const transpose = (map: Float32Array, side: number): Float32Array =>
  map.map((_, i) => map[(i % side) * side + Math.floor(i / side)]!);

const mean = (layers: readonly Float32Array[]): Float32Array =>
  layers[0]!.map((_, i) => layers.reduce((sum, layer) => sum + layer[i]!, 0) / layers.length);
