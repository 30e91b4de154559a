/** @file The texts of the market as plain strings, for training a tokenizer. */

import { askAbout } from "./ask-about.ts";
import { describe } from "./describe.ts";
import { generalText } from "./general-text.ts";
import { kinds } from "./kinds.ts";
import { createRandom } from "./random.ts";
import { sampleBoard } from "./sample-board.ts";
import { trainingSeed } from "./samples.ts";
import { smallTalk } from "./small-talk.ts";
import { things } from "./things.ts";

/** One in so many texts is everyday text, small talk or a name. */
const GENERAL_SHARE = 0.15;
const QUESTIONS_PER_BOARD = 6;

/**
 * `n` texts: questions, answers and descriptions of random training boards (never drawn), and some everyday text. The same
 * arguments give the same texts.
 * @throws RangeError when n is not a whole number from 0
 * @example for (const text of marketCorpus(1, 20_000)) trainer.add(text);
 */
export function* marketCorpus(seed: number, n: number): Generator<string> {
  if (!(Number.isInteger(n) && n >= 0))
    throw new RangeError(`The number of texts must be a whole number from 0, but is ${n}.`);
  const random = createRandom(seed, 4);
  const names = [
    ...kinds.flatMap((kind) => [...kind.zh, ...kind.en, kind.plural]),
    ...things.flatMap((thing) => [thing.zh, thing.en]),
  ];
  const talk = [...smallTalk.zh, ...smallTalk.en].flatMap(({ questions, answer }) => [...questions, answer]);
  let made = 0;
  for (let index = 0; made < n; index++) {
    const picture = trainingSeed(seed, index);
    const board = sampleBoard(picture);
    const texts = askAbout(board, picture, { count: QUESTIONS_PER_BOARD }).flatMap(({ question, answer }) => [
      question,
      answer,
    ]);
    texts.push(describe(board, "zh"), describe(board, "en"));
    for (const text of texts) {
      const general = random.chance(GENERAL_SHARE)
        ? random.pick(
            random.weighted([
              [generalText, 5],
              [talk, 2],
              [names, 2],
            ]),
          )
        : undefined;
      for (const one of general === undefined ? [text] : [general, text]) {
        if (made++ < n) yield one;
      }
    }
  }
}
