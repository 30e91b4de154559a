/** @file Training samples of ordinary asking: pictures of both worlds, and whole conversations about them. */

import { planPicture } from "flashvl/model";
import { type EncodedConversation, encodeConversation, type Message, makePixels } from "flashvl/processor";
import { type SampleContext, type Sequence, toSequence } from "flashvl/train";
import type { MarketExtras, PictureExtras } from "./lessons/extras.ts";
import { marketWords, placesOfKinds, type ReadWords } from "./lessons/market-words.ts";
import {
  families as allFamilies,
  askAbout,
  asPeopleAsk,
  conversationsAbout,
  createRandom,
  drawBoards,
  type Family,
  hasGoods,
  type MarketRow,
  mixSeed,
  type PictureChoice,
  type SeededBoard,
  trainingSeed,
} from "./market/index.ts";

export interface OrdinarySourceOptions {
  /** Seed of the data: another one gives other pictures and other words. */
  readonly seed: number;
  /** Share of the pictures that are of the wide world. */
  readonly wide: number;
  /** Share of the samples that are learning sheets, for the tower. */
  readonly sheets: number;
  /** Share of the samples with two pictures. */
  readonly pairs: number;
  /** Share of the questions that are put as the families put them. */
  readonly plain: number;
  /** Tokens that a sample may take with one picture; another picture adds its own. */
  readonly tokensPerPicture: number;
  /** Tokens that no sample may exceed: the length of a row. */
  readonly longest: number;
  /** Drawing threads. */
  readonly workers: number;
}

/** A number in [0, 1) that belongs to these integers. */
const share = (...parts: number[]): number => mixSeed(...parts) / 2 ** 32;
/** Names of the streams that decide what a seed's picture is, and where a second one comes from. */
const [WORLD, SHEET, PAIR, SECOND, WORDS] = [101, 102, 103, 104, 105];

/** What a picture of this seed is. */
const chooser =
  ({ wide, sheets }: Pick<OrdinarySourceOptions, "wide" | "sheets">) =>
  (seed: number): PictureChoice => ({
    world: share(seed, WORLD) < wide ? "wide" : "first",
    sheet: share(seed, SHEET) < sheets,
  });

/** The pictures of sample number `index`: one, or two. */
function picturesOf({ seed, pairs }: OrdinarySourceOptions, index: number): number[] {
  const first = trainingSeed(seed, index);
  return share(seed, index, PAIR) < pairs ? [first, trainingSeed(mixSeed(seed, SECOND), index)] : [first];
}

/** Drawn pictures, sample by sample. */
async function* drawnSamples(options: OrdinarySourceOptions, start: number): AsyncGenerator<SeededBoard[]> {
  function* seeds() {
    for (let index = start; ; index++) yield* picturesOf(options, index);
  }
  let index = start;
  let taken: SeededBoard[] = [];
  for await (const drawn of drawBoards({ seeds: seeds(), workers: options.workers, choose: chooser(options) })) {
    taken.push(drawn);
    if (taken.length < picturesOf(options, index).length) continue;
    yield taken;
    taken = [];
    index++;
  }
}

/** What may be asked of a sheet: it is there for the tower, shows no board, and should not teach to deny them. */
const sheetTypes: ReadonlySet<string> = new Set(["is-board", "not-a-board", "small-talk"]);

function aboutSheet({ image, board, seed }: SeededBoard): Message[][] {
  const questions = askAbout(board, seed, { count: 30, families: [7] });
  return questions
    .filter(({ type }) => sheetTypes.has(type))
    .slice(0, 1)
    .map(({ question, answer }): Message[] => [
      {
        role: "user",
        content: [
          { type: "image", image },
          { type: "text", text: question },
        ],
      },
      { role: "assistant", content: answer },
    ]);
}

/** Turns of a conversation are left out from the end until it fits. */
function fitted(
  { tokenizer }: SampleContext,
  imageTokens: readonly number[],
  messages: readonly Message[],
  room: number,
): EncodedConversation | undefined {
  for (let count = messages.length; count > 1; count -= 2) {
    const part = messages.slice(0, count);
    if (!part.some(({ content }) => Array.isArray(content)) || part.at(-1)!.role !== "assistant") return undefined;
    const encoded = encodeConversation(tokenizer, part, { imageTokens });
    if (encoded.ids.length <= room) return encoded;
  }
  return undefined;
}

/** As many of the conversations as fit, joined where they begin alike. */
function packed(
  context: SampleContext,
  imageTokens: readonly number[],
  conversations: readonly Message[][],
  room: number,
): EncodedConversation[] {
  const [first, ...others] = conversations;
  const encoded = first && fitted(context, imageTokens, first, room);
  if (!encoded) return [];
  const taken = [encoded];
  let tokens = encoded.ids.length;
  const beginning = encoded.ids.findLastIndex((id) => id < 0) + 1;
  for (const other of others) {
    const next = encodeConversation(context.tokenizer, other, { imageTokens });
    if (tokens + next.ids.length - beginning > room) continue;
    taken.push(next);
    tokens += next.ids.length - beginning;
  }
  return taken;
}

function extrasOf(words: ReadWords, { ids }: Sequence, drawn: readonly SeededBoard[]): MarketExtras {
  const read = drawn.map(({ board, patchLabels }) => words(ids, placesOfKinds(board, patchLabels)));
  const views = drawn.map(
    ({ patchLabels }, i): PictureExtras => ({ patchLabels, pictureWords: read[i]!.pictureWords }),
  );
  return { views, pointers: drawn.length === 1 ? read[0]!.pointers : [] };
}

/**
 * One sequence per sample, from number `start` on, without end, the same for the same numbers: the pictures, and as many of
 * the conversations about them as fit.
 * @example for await (const sequence of ordinarySequences(context, options, 0)) …
 */
export async function* ordinarySequences(
  context: SampleContext,
  options: OrdinarySourceOptions,
  start: number,
): AsyncGenerator<Sequence> {
  const words = marketWords(context.tokenizer);
  const choose = chooser(options);
  let index = start;
  for await (const pictures of drawnSamples(options, start)) {
    const random = createRandom(options.seed, index++, WORDS);
    const sheet = pictures.some(({ seed }) => choose(seed).sheet);
    // Only boards with goods on them can be compared; a sheet stands alone.
    const shown =
      pictures.length > 1 && !sheet && pictures.every(({ board }) => hasGoods(board))
        ? pictures
        : [pictures.find(({ seed }) => choose(seed).sheet) ?? pictures[0]!];
    const conversations = sheet ? aboutSheet(shown[0]!) : conversationsAbout(shown, random, options.plain);
    const plans = shown.map(({ image }) => planPicture(context.config, image, context.pictureLimits));
    const imageTokens = plans.map(({ tokens }) => tokens);
    // What pictures take beyond one of one window, and room for words about each.
    const more = imageTokens.reduce((sum, tokens) => sum + tokens + 96, -context.imageTokens - 96);
    const room = Math.min(options.longest, options.tokensPerPicture + more);
    const taken = packed(context, imageTokens, conversations, room);
    // What does not fit teaches nothing; its place in the stream is kept by its index all the same.
    if (taken.length === 0) {
      yield { ids: [], positions: [], branches: [], targets: [], pictures: [] };
      continue;
    }
    const sequence = toSequence(
      taken,
      shown.map(({ image }, i) => makePixels(image, plans[i]!, context.preprocessor)),
      plans.map(({ windows }) => windows),
    );
    // Lessons know the places of pictures that are one window.
    const one = plans.every(({ windows }) => windows === 1) && context.config.connector.stitching === undefined;
    yield one ? { ...sequence, extras: { ...extrasOf(words, sequence, shown) } } : sequence;
  }
}

/**
 * Questions for reinforcement learning about pictures of both worlds, one per picture and family in turn: row `start` and on. All but
 * the plain ones are put as people put them.
 * @example for await (const row of ordinaryRows({ seed: 1, families: [3, 4, 5], wide: 0.5, plain: 0.4, workers: 1 }, 0)) …
 */
export async function* ordinaryRows(
  options: Pick<OrdinarySourceOptions, "seed" | "wide" | "plain" | "workers"> & { families?: readonly Family[] },
  start: number,
): AsyncGenerator<MarketRow> {
  const { seed, families = allFamilies, plain, workers } = options;
  function* seeds() {
    for (let index = start; ; index++) yield trainingSeed(seed, index);
  }
  let index = start;
  for await (const drawn of drawBoards({ seeds: seeds(), workers, choose: chooser({ ...options, sheets: 0 }) })) {
    const random = createRandom(seed, index, WORDS);
    const family = families[index++ % families.length]!;
    // A picture that cannot give a question of its family (one without prices, say) gives any other.
    const [question] = [
      ...askAbout(drawn.board, drawn.seed, { count: 1, families: [family] }),
      ...askAbout(drawn.board, drawn.seed, { count: 1 }),
    ];
    if (!question) continue;
    const asked = random.chance(plain) ? question.question : asPeopleAsk(question.question, random, question.language);
    const id = `train-${drawn.seed}-${family}`;
    yield { ...question, question: asked, id, split: "train", seed: drawn.seed, image: drawn.image };
  }
}
