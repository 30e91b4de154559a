/** @file Joins words and market pictures: which names belong to a picture's tokens, and where names in a text point. */

import type { Tokenizer } from "flashvl/processor";
import { type Board, kinds, LABELS_PER_PATCH, placeOfLabel } from "../market/index.ts";
import type { PictureWord, Pointer } from "./extras.ts";

/** Patches of a token's side: pixel shuffle makes one token of a block of 2 × 2. */
const BLOCK = 2;

/** A name as token ids. A name within an English sentence begins with its space. */
interface Name {
  readonly kind: string;
  readonly ids: readonly number[];
}

export interface MarketWords {
  /** Each token's words: the usual names of what is sold at its place. So a price knows what it is the price of. */
  readonly pictureWords: readonly PictureWord[];
  /** Where names stand in the text (after its pictures), with the tokens of the picture's place where that is sold, if anywhere. */
  readonly pointers: readonly Pointer[];
}

/** Tokens of a picture that show each kind, with the share of each that does. */
export type PlacesOfKinds = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Of a text about a market picture that shows these. */
export type ReadWords = (ids: readonly number[], places: PlacesOfKinds) => MarketWords;

/**
 * Reads the names' tokens once.
 * @example const { pictureWords, pointers } = marketWords(tokenizer)(sequence.ids, placesOfKinds(board, patchLabels));
 */
export function marketWords(tokenizer: Tokenizer): ReadWords {
  const usual = new Map(
    kinds.map((kind) => [
      kind.id,
      [...new Set([...tokenizer.encode(kind.zh[0]), ...tokenizer.encode(` ${kind.en[0]}`)])],
    ]),
  );
  /** Names by their first token, the longest first. */
  const names = new Map<number, Name[]>();
  for (const kind of kinds)
    for (const text of [...kind.zh, ...kind.en.map((name) => ` ${name}`)]) {
      const ids = tokenizer.encode(text);
      const list = names.get(ids[0]!) ?? [];
      names.set(
        ids[0]!,
        [...list, { kind: kind.id, ids }].sort((a, b) => b.ids.length - a.ids.length),
      );
    }
  return (ids, places) => {
    if (places.size === 0) return { pictureWords: [], pointers: [] };
    const pictureWords = [...places].flatMap(([kind, tokens]) => {
      const words = usual.get(kind)!;
      return [...tokens].flatMap(([token, share]) => words.map((id) => ({ token, id, weight: share / words.length })));
    });
    const pointers: Pointer[] = [];
    for (let i = ids.findLastIndex((id) => id < 0) + 1; i < ids.length; i++) {
      const name = names.get(ids[i]!)?.find((one) => one.ids.every((id, j) => ids[i + j] === id));
      if (!name) continue;
      i += name.ids.length - 1;
      const tokens = [...(places.get(name.kind) ?? [])];
      pointers.push({ at: i, tokens: tokens.map(([token, weight]) => ({ token, weight })) });
    }
    return { pictureWords, pointers };
  };
}

/** By the labels of a picture of the model's view; nothing where it shows no board. */
export function placesOfKinds(board: Board, labels: ArrayLike<number>): PlacesOfKinds {
  const tokens = new Map<string, Map<number, number>>();
  if (board.scene !== "board") return tokens;
  const side = Math.sqrt(labels.length / LABELS_PER_PATCH);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const label = labels[(y * side + x) * LABELS_PER_PATCH + LABELS_PER_PATCH - 1]!;
      const place = placeOfLabel(label);
      const kind = board.cells.find((cell) => cell.row === place?.row && cell.column === place.column)?.kind;
      if (!kind) continue;
      const token = Math.floor(y / BLOCK) * (side / BLOCK) + Math.floor(x / BLOCK);
      const own = tokens.get(kind) ?? new Map<number, number>();
      own.set(token, (own.get(token) ?? 0) + 1 / BLOCK ** 2);
      tokens.set(kind, own);
    }
  return tokens;
}
