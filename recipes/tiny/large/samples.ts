/** @file Training samples about large boards: one sequence per picture, many questions about its cells, with lessons that know where each cell is. */

import { planPicture } from "flashvl/model";
import { encodeConversation, type Message, makePixels, type PicturePlan } from "flashvl/processor";
import { type SampleContext, type Sequence, toSequence } from "flashvl/train";
import type { MarketExtras, Pointer } from "../lessons/extras.ts";
import { marketWords } from "../lessons/market-words.ts";
import { createRandom, drawBoards, filledCells, type SeededLargeBoard, trainingSeed } from "../market/index.ts";
import { tokensShowing } from "./place-tokens.ts";
import { askAboutCells, type CellQuestion } from "./questions.ts";

export interface LargeSampleOptions {
  readonly seed: number;
  /** Most questions about a picture. */
  readonly questions: number;
  /** Tokens that a sample may take. */
  readonly room: number;
  /** Drawing threads. */
  readonly workers: number;
}

const QUESTIONS = 301;

/** Tokens of each cell, in reading order. */
const tokensOfCells = ({ cells }: SeededLargeBoard, plan: PicturePlan): Map<number, number>[] =>
  cells.map((part) => tokensShowing(plan, part));

/** Where the words for a place end, something is to be looked for: the last token of each question that names a row and a column. */
function placePointers(
  sequence: Sequence,
  asked: readonly CellQuestion[],
  lengths: readonly { readonly question: number }[],
  tokensOf: (question: CellQuestion) => Map<number, number>,
): Pointer[] {
  return asked.flatMap((question, i): Pointer[] => {
    if (!question.byPlace) return [];
    const first = sequence.branches.indexOf(asked.length === 1 ? 0 : i + 1);
    const at = sequence.positions.findIndex((p, j) => j >= first && p === lengths[i]!.question - 1);
    const tokens = [...tokensOf(question)].map(([token, weight]) => ({ token, weight }));
    return at < 0 ? [] : [{ at, tokens }];
  });
}

/** The picture, and as many questions about it as fit into `room` tokens. */
export function largeSequence(
  context: SampleContext,
  drawn: SeededLargeBoard,
  { questions, room }: Pick<LargeSampleOptions, "questions" | "room">,
  words = marketWords(context.tokenizer),
): Sequence {
  const { tokenizer, dialect, config, preprocessor, pictureLimits } = context;
  const plan = planPicture(config, drawn.image, pictureLimits);
  const encodeOptions = { imageTokens: [plan.tokens], dialect };
  const taken = [];
  const asked: CellQuestion[] = [];
  let tokens = 0;
  for (const question of askAboutCells(drawn.board, createRandom(drawn.seed, QUESTIONS), questions)) {
    const messages: Message[] = [
      {
        role: "user",
        content: [
          { type: "image", image: drawn.image },
          { type: "text", text: question.question },
        ],
      },
      { role: "assistant", content: question.answer },
    ];
    const encoded = encodeConversation(tokenizer, messages, encodeOptions);
    const beginning = encoded.ids.findLastIndex((id) => id < 0) + 1;
    const added = taken.length === 0 ? encoded.ids.length : encoded.ids.length - beginning;
    if (tokens + added > room) continue;
    taken.push(encoded);
    asked.push(question);
    tokens += added;
  }
  if (taken.length === 0) return { ids: [], positions: [], branches: [], targets: [], pictures: [] };
  const sequence = toSequence(taken, [makePixels(drawn.image, plan, preprocessor)], [plan.windows]);
  const ofCells = tokensOfCells(drawn, plan);
  const all = filledCells(drawn.board);
  // Of a kind that is there more than once, nobody can tell which one a name means.
  const places = new Map(all.map(({ kind }, i) => [kind, ofCells[i]!] as const));
  const once = new Map([...places].filter(([kind]) => all.filter((cell) => cell.kind === kind).length === 1));
  const { pointers } = words(sequence.ids, once);
  const known = pointers.filter(({ tokens }) => tokens.length > 0);
  // Every cell tells its tokens what it holds, also those whose kind is there again.
  const pictureWords = all.flatMap(({ kind }, i) => words([], new Map([[kind, ofCells[i]!]])).pictureWords);
  const lengths = taken.map(({ labels }) => ({ question: labels.findIndex((label) => label >= 0) }));
  const tokensOf = ({ cell }: CellQuestion) => ofCells[all.indexOf(cell)]!;
  const extras: MarketExtras = {
    views: [{ pictureWords }],
    pointers: [...known, ...placePointers(sequence, asked, lengths, tokensOf)].sort((a, b) => a.at - b.at),
  };
  return { ...sequence, extras: { ...extras } };
}

/** One sequence per large board, from number `start` on, without end, the same for the same numbers. */
export async function* largeSequences(
  context: SampleContext,
  { seed, workers, ...options }: LargeSampleOptions,
  start: number,
): AsyncGenerator<Sequence> {
  function* seeds() {
    for (let index = start; ; index++) yield trainingSeed(seed, index);
  }
  const words = marketWords(context.tokenizer);
  for await (const drawn of drawBoards({ seeds: seeds(), workers, choose: () => ({ large: true }) }))
    yield largeSequence(context, drawn as SeededLargeBoard, options, words);
}
