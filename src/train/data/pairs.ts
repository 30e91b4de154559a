/** @file Preference pairs as training sequences: the prompt with its pictures once, with what both answers begin with, and their rest as branches. */

import { createHash } from "node:crypto";
import { encodeConversation, imagesOf } from "../../processor/index.ts";
import type { SampleSize } from "./file-sequences.ts";
import { type Preference, parsePreference } from "./parse-preference.ts";
import { PictureCache, type PlannedPixels } from "./picture-cache.ts";
import type { SampleContext } from "./sample-context.ts";
import { type Encoded, type Sequence, toSequence, windowsOf } from "./sequence.ts";
import { later, ShuffledRows, type ShuffledRowsOptions, TooLong } from "./shuffled-rows.ts";

/** A prompt and two answers; of the targets the first `chosenTokens` are the chosen answer's. */
export interface PairSequence extends Sequence {
  readonly chosenTokens: number;
  /** Hash of tokens and pictures, under which the reference's sums are stored. */
  readonly key: string;
}

/** Largest pair: tokens of the prompt with pictures and both answers, pictures, tokens of both answers. */
export interface PairLimits {
  readonly length: number;
  readonly images: number;
  readonly labels: number;
}

const IGNORED = -100;

/** The conversation with its last answer alone as what is trained: earlier ones are part of the prompt. */
function lastAnswerOnly({ ids, labels }: Encoded): Encoded {
  const end = labels.findLastIndex((label) => label !== IGNORED);
  const before = labels.slice(0, end + 1).lastIndexOf(IGNORED);
  return { ids, labels: labels.map((label, i) => (i > before ? label : IGNORED)) };
}

async function keyOf({ sequence: { ids, branches }, planned }: PlannedPair): Promise<string> {
  const hash = createHash("sha256").update(Int32Array.from(ids)).update(Int32Array.from(branches));
  for (const picture of planned) hash.update(await picture.source());
  return hash.digest("hex").slice(0, 32);
}

interface PlannedPair {
  /** Without pixels. */
  readonly sequence: Sequence;
  readonly chosenTokens: number;
  readonly planned: readonly PlannedPixels[];
}

/** Only headers of pictures are read. */
async function plan(
  { tokenizer, dialect }: SampleContext,
  { prompt, chosen, rejected }: Preference,
  cache: PictureCache,
): Promise<PlannedPair> {
  const planned = await Promise.all(imagesOf(prompt).map((image) => cache.plan(image)));
  const imageTokens = planned.map(({ plan }) => plan.tokens);
  const answers = [chosen, rejected].map((content) => {
    const messages = [...prompt, { role: "assistant" as const, content }];
    return lastAnswerOnly(encodeConversation(tokenizer, messages, { imageTokens, dialect }));
  });
  const windows = planned.map(({ plan }) => plan.windows);
  const chosenTokens = answers[0]!.labels.filter((label) => label !== IGNORED).length;
  return { sequence: toSequence(answers, [], windows, true), chosenTokens, planned };
}

/** @param lazy makes the pictures when they are asked for; they are made at once when left out */
async function asSequence(pair: PlannedPair, lazy?: { readonly place: string }): Promise<PairSequence> {
  const { sequence, chosenTokens, planned } = pair;
  const known = { ...sequence, chosenTokens, key: await keyOf(pair) };
  const make = () => Promise.all(planned.map((picture) => picture.pixels()));
  return lazy && planned.length > 0
    ? { ...known, load: () => later(make(), lazy.place) }
    : { ...known, pictures: await make() };
}

/** @throws TooLong for a pair beyond the limits */
function checkSize(sequence: Sequence, limits: PairLimits): void {
  const { length } = sequence.ids;
  if (length > limits.length)
    throw new TooLong(`${length} tokens of a prompt and both answers, more than ${limits.length}; raise batch.length`);
  const trained = sequence.targets.length;
  if (trained > limits.labels)
    throw new TooLong(`${trained} tokens of both answers, more than ${limits.labels}; raise batch.labels`);
  const windows = windowsOf(sequence);
  if (windows > limits.images)
    throw new TooLong(`${windows} pictures or tiles, more than ${limits.images}; raise batch.images`);
}

/**
 * A pair as a training sequence: for sources of preference data.
 * @throws Error when a picture is missing or broken
 * @example yield await encodePair(context, { prompt: [{ role: "user", content: "1 + 1?" }], chosen: "2", rejected: "3" });
 */
export const encodePair = async (context: SampleContext, pair: Preference): Promise<PairSequence> =>
  asSequence(await plan(context, pair, new PictureCache(context)));

export interface FilePairsOptions extends ShuffledRowsOptions {
  /** What rows without a question ask. */
  readonly question?: string;
  /** May still change before the first item is read. */
  readonly limits: PairLimits;
}

/** Files of preference data, open. */
export interface PairFile
  extends Pick<ShuffledRows<PairSequence>, "length" | "rows" | "item" | "items" | "dropped" | "close"> {
  /** What at most `most` pairs take of a batch, whatever the limits. Only headers of pictures are read. */
  sizes(most: number): Promise<SampleSize[]>;
}

/** Opens files of preference data. @throws Error when one cannot be read or has no rows */
export async function openPairs(context: SampleContext, options: FilePairsOptions): Promise<PairFile> {
  const { question, limits } = options;
  const cache = new PictureCache(context);
  const planRow = (row: unknown, folder: string) => plan(context, parsePreference(row, { folder, question }), cache);
  const rows = await ShuffledRows.open(options, async (row, folder, place): Promise<PairSequence> => {
    const planned = await planRow(row, folder);
    checkSize(planned.sequence, limits);
    return asSequence(planned, options.lazy && options.onBadRow === "stop" ? { place } : undefined);
  });
  const sizes = (most: number) =>
    rows.some(most, async (row, folder): Promise<SampleSize> => {
      const { sequence } = await planRow(row, folder);
      return { tokens: sequence.ids.length, images: windowsOf(sequence), labels: sequence.targets.length };
    });
  return Object.assign(rows, { sizes });
}
