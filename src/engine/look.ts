/** @file "Where did it look": the decoder's attention over the pictures when it wrote one token. */
import { IMAGE_SLOT_FIRST, type Message, type PictureLimits, type PicturePlan } from "../processor/core.ts";
import { type AnswerContext, prepareImages } from "./answer-plan.ts";
import { planRequest } from "./plan-request.ts";
import { observeAttention } from "./run/index.ts";

/** What one map shows. */
export interface MapGrid {
  rows: number;
  columns: number;
  /** Which picture of the conversation. */
  picture: number;
  /** The picture as a whole, in small, beside the map of its tiles. */
  thumbnail: boolean;
}

/** Where the decoder looked: one weight per picture token, row by row. */
export interface AttentionMap {
  /** Rows and columns of the first map. */
  rows: number;
  columns: number;
  /**
   * A map for each picture, and where it is cut into tiles one more for its thumbnail: [rows × columns], the tiles put together.
   * Mean over layers and heads; the sum of a picture's maps is the share of attention on it.
   */
  maps: Float32Array[];
  /** Sizes of the maps, and what they show. */
  grids: MapGrid[];
  /** The same for each map and layer. */
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
  limits: PictureLimits = {},
): Promise<AttentionMap> {
  const { parts, scheduler } = context;
  const { decoder } = parts.description.config;
  const tokens = typeof answer === "string" ? parts.description.tokenizer.encode(answer) : answer;
  // The place after the last token is where the end of the answer was chosen.
  if (!Number.isInteger(index) || index < 0 || index > tokens.length)
    throw new RangeError(
      `The answer has ${tokens.length} tokens; index must be from 0 to ${tokens.length}, found ${index}.`,
    );
  const unknown = tokens.find((token) => !(Number.isInteger(token) && token >= 0 && token < decoder.vocabSize));
  if (unknown !== undefined)
    throw new RangeError(`${unknown} is not a token: the vocabulary has ${decoder.vocabSize}.`);
  const plan = await planRequest(parts, null, messages, { ...limits, maxNewTokens: Math.max(1, index), signal });
  if (plan.pictures.length === 0) throw new Error("There is no picture in the conversation to look at.");
  const { images } = await prepareImages(context, plan, signal);
  let weights: readonly Float32Array[] = [];
  const observe = async (run: () => Promise<void>, slot: number, length: number) => {
    weights = await observeAttention(context.runner, decoder, run, slot, length);
  };
  const ids = [...plan.ids, ...tokens.slice(0, index)];
  const { aborted } = await scheduler.submit({ kind: "observed", ids, images, observe, signal });
  if (aborted) signal!.throwIfAborted();
  const firsts = [...ids.keys()].filter((at) => ids[at] === IMAGE_SLOT_FIRST);
  const shown = firsts.flatMap((first, picture) => canvasMaps(plan.pictures[picture]!.plan, first, picture));
  const layers = shown.map(({ places }) => weights.map((layer) => Float32Array.from(places, (at) => layer[at]!)));
  const grids = shown.map(({ grid }) => grid);
  return { rows: grids[0]!.rows, columns: grids[0]!.columns, maps: layers.map(mean), grids, layers };
}

/** For each canvas of a picture whose slots begin at `first`: its map's size, and the slot of each of its cells, row by row. */
function canvasMaps({ canvases, grid }: PicturePlan, first: number, picture: number) {
  const { rows, columns, order } = grid;
  let begin = first;
  return canvases.map((canvas, i) => {
    const size = { rows: canvas.rows * rows, columns: canvas.columns * columns };
    const places = new Int32Array(size.rows * size.columns);
    for (let y = 0, cell = 0; y < size.rows; y++)
      for (let x = 0; x < size.columns; x++, cell++) {
        const window = Math.floor(y / rows) * canvas.columns + Math.floor(x / columns);
        const [row, column] = [y % rows, x % columns];
        const token = order === "row-major" ? row * columns + column : column * rows + row;
        places[cell] = begin + window * rows * columns + token;
      }
    begin += places.length;
    return { grid: { ...size, picture, thumbnail: i > 0 }, places };
  });
}

const mean = (layers: readonly Float32Array[]): Float32Array =>
  layers[0]!.map((_, i) => layers.reduce((sum, layer) => sum + layer[i]!, 0) / layers.length);
