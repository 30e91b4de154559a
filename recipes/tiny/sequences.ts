/** @file Training samples of the market, drawn on the fly, without end, the same for the same numbers. */

import { type EncodedConversation, encodeConversation, type Message, preprocessImage } from "flashvl/processor";
import { type SampleContext, type Sequence, toSequence } from "flashvl/train";
import type { MarketExtras } from "./lessons/extras.ts";
import { marketWords, placesOfKinds } from "./lessons/market-words.ts";
import {
  families as allFamilies,
  askAbout,
  type Family,
  type MarketRow,
  marketSamples,
  type Question,
} from "./market/index.ts";

export interface MarketSourceOptions {
  /** Seed of the data: another one gives other pictures. */
  readonly seed: number;
  /** Families to ask from; all when left out. */
  readonly families?: readonly Family[];
  /** How often each family is asked from: see `AskOptions`. */
  readonly weights?: Partial<Record<Family, number>>;
  /** Tokens that one picture and its questions may take: questions are added until the next would not fit. */
  readonly tokensPerPicture: number;
  /** Share of the conversations that go on for several turns instead of one. */
  readonly multiTurn?: number;
  /** Share of the answers with working that leave it out: see `AskOptions`. */
  readonly brief?: number;
  /** Drawing threads. */
  readonly workers?: number;
}

/** More samples than any run takes. */
export const ENDLESS = 2 ** 30;
/** More questions than ever fit a row. */
const MOST_QUESTIONS = 24;
const TURNS = 3;

const turns = (image: Message["content"], questions: readonly Question[]): Message[] =>
  questions.flatMap(({ question, answer }, i): Message[] => [
    {
      role: "user",
      content: i === 0 && Array.isArray(image) ? [...image, { type: "text", text: question }] : question,
    },
    { role: "assistant", content: answer },
  ]);

/**
 * One sequence per picture: the picture once, then as many separate questions about it as fit (see `toSequence`).
 * @example for await (const sequence of marketSequences(context, { seed: 1, tokensPerPicture: 384 }, 0)) …
 */
export async function* marketSequences(
  context: SampleContext,
  options: MarketSourceOptions,
  start: number,
): AsyncGenerator<Sequence> {
  const { tokenizer, preprocessor, imageTokens } = context;
  const { seed, families, weights, brief, tokensPerPicture, multiTurn = 0, workers = 1 } = options;
  const words = marketWords(tokenizer);
  for await (const drawn of marketSamples({ stage: "see", seed, from: start, to: ENDLESS, workers })) {
    const questions = askAbout(drawn.board, drawn.seed, { count: MOST_QUESTIONS, families, weights, brief });
    const picture: Message["content"] = [{ type: "image", image: drawn.image }];
    const conversations: EncodedConversation[] = [];
    let tokens = 0;
    for (let i = 0; i < questions.length; ) {
      // Every 1/multiTurn-th conversation has several turns: spread evenly, so that no random state is needed.
      const several = Math.floor((i + 1) * multiTurn) > Math.floor(i * multiTurn);
      const taken = questions.slice(i, i + (several ? TURNS : 1));
      i += taken.length;
      const encoded = encodeConversation(tokenizer, turns(picture, taken), { imageTokens });
      const beginning = encoded.ids.lastIndexOf(-201) + 1;
      const added = conversations.length === 0 ? encoded.ids.length : encoded.ids.length - beginning;
      if (tokens + added > tokensPerPicture) continue;
      conversations.push(encoded);
      tokens += added;
    }
    // A picture about which nothing fits teaches nothing; its place in the stream is kept by its index all the same.
    if (conversations.length === 0) {
      yield { ids: [], positions: [], branches: [], targets: [], pictures: [] };
      continue;
    }
    const sequence = toSequence(conversations, [preprocessImage(drawn.image, preprocessor)]);
    const { pictureWords, pointers } = words(sequence.ids, placesOfKinds(drawn.board, drawn.patchLabels));
    const extras: MarketExtras = { views: [{ patchLabels: drawn.patchLabels, pictureWords }], pointers };
    yield { ...sequence, extras: { ...extras } };
  }
}

/**
 * Questions for reinforcement learning, one per picture and family in turn: row `start` and on.
 * @example for await (const row of marketRows({ seed: 1, families: [3, 4, 5] }, 0)) …
 */
export async function* marketRows(
  { seed, families = allFamilies, workers = 1 }: Pick<MarketSourceOptions, "seed" | "families" | "workers">,
  start: number,
): AsyncGenerator<MarketRow> {
  for await (const { image, board, seed: picture, index } of marketSamples({
    stage: "see",
    seed,
    from: start,
    to: ENDLESS,
    workers,
  })) {
    const family = families[index % families.length]!;
    // A picture that cannot give a question of its family (one without prices, say) gives any other.
    const [question] = [
      ...askAbout(board, picture, { count: 1, families: [family] }),
      ...askAbout(board, picture, { count: 1 }),
    ];
    yield { id: `train-${picture}-${family}`, split: "train", seed: picture, image, ...question! };
  }
}
