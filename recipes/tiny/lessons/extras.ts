/** @file What the market knows about a sample beyond its answers: what its lessons are taught from. */

import type { Sequence } from "flashvl/train";

/** A token id that belongs to a token of a picture. */
export interface PictureWord {
  /** Which of the picture's tokens. */
  readonly token: number;
  readonly id: number;
  readonly weight: number;
}

/** A name in the text, and what it names in a sample's one picture. */
export interface Pointer {
  /** Index of the name's last token. */
  readonly at: number;
  /** Tokens of the picture; none where the picture does not show it. */
  readonly tokens: readonly { readonly token: number; readonly weight: number }[];
}

/** Of one picture of a sample. */
export interface PictureExtras {
  /** Class of each half of each patch, and its place; of pictures that are one window. */
  readonly patchLabels?: ArrayLike<number>;
  /** Words of the picture's tokens. */
  readonly pictureWords: readonly PictureWord[];
}

/** Of a sample about market pictures. */
export interface MarketExtras {
  /** In the order of the sample's pictures. */
  readonly views: readonly PictureExtras[];
  /** Names in the text that point at the picture; none where the sample has several. */
  readonly pointers: readonly Pointer[];
}

/** What is known about a sample; nothing where another source made it. */
export const extrasOf = ({ extras = {} }: Pick<Sequence, "extras">): Partial<MarketExtras> => extras;
