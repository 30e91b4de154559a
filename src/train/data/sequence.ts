/** @file One training sample as token arrays: a conversation, or several that continue one shared beginning. */

/** An encoded conversation as `processor`'s encodeConversation returns it. */
export interface Encoded {
  readonly ids: readonly number[];
  /** The id itself where it is trained, -100 elsewhere. */
  readonly labels: readonly number[];
}

/** A token id that belongs to a token of a picture. */
export interface PictureWord {
  /** Which of the picture's tokens. */
  readonly token: number;
  readonly id: number;
  readonly weight: number;
}

/** A name in the text, and what it names in the sample's one picture. */
export interface Pointer {
  /** Index of the name's last token. */
  readonly at: number;
  /** Tokens of the picture; none where the picture does not show it. */
  readonly tokens: readonly { readonly token: number; readonly weight: number }[];
}

/** All arrays have one entry per token. */
export interface Sequence {
  /** Token ids; negative in picture slots. */
  readonly ids: readonly number[];
  readonly positions: readonly number[];
  /** 0 in the shared beginning, 1, 2, … in the continuations. */
  readonly branches: readonly number[];
  /** Pairs [index of the token whose hidden state predicts, predicted id]. */
  readonly targets: readonly (readonly [number, number])[];
  /** Pictures in the order of their slots: pixels [3, size, size], or tokens [imageTokens, hidden] for a graph that takes those. */
  readonly pictures: readonly Float32Array[];
  /** Class of each half patch of each picture, where the data knows it: the tower's own lesson. */
  readonly patchLabels?: readonly ArrayLike<number>[];
  /** Words of each picture's tokens, where the data knows them. */
  readonly pictureWords?: readonly (readonly PictureWord[])[];
  /** Names in the text that point at the picture, where the data knows them. */
  readonly pointers?: readonly Pointer[];
}

const IGNORED = -100;

/** Length of the longest common beginning that carries no label. */
function sharedLength(conversations: readonly Encoded[]): number {
  const [first, ...rest] = conversations;
  let n = 0;
  while (
    n < first!.ids.length - 1 &&
    first!.labels[n] === IGNORED &&
    rest.every((c) => c.ids[n] === first!.ids[n] && c.labels[n] === IGNORED)
  )
    n++;
  return n;
}

/**
 * Several conversations about the same pictures as one sequence: what they have in common (system text, pictures) stands
 * there once, their continuations do not see each other, and positions are those of each conversation alone. So gradients
 * are those of the conversations trained one by one, for one pass over the picture.
 * @throws Error when there is no conversation, or no label in any
 */
export function toSequence(conversations: readonly Encoded[], pictures: readonly Float32Array[]): Sequence {
  if (conversations.length === 0) throw new Error("a training sample needs at least one conversation, found none");
  const shared = conversations.length === 1 ? 0 : sharedLength(conversations);
  const ids: number[] = [...conversations[0]!.ids.slice(0, shared)];
  const positions: number[] = ids.map((_, i) => i);
  const branches: number[] = ids.map(() => 0);
  const targets: [number, number][] = [];
  conversations.forEach((c, b) => {
    for (let i = shared; i < c.ids.length; i++) {
      const before = i === shared ? shared - 1 : ids.length - 1;
      if (c.labels[i] !== IGNORED && before >= 0) targets.push([before, c.labels[i]!]);
      ids.push(c.ids[i]!);
      positions.push(i);
      branches.push(shared === 0 ? 0 : b + 1);
    }
  });
  if (shared === 0 && conversations.length > 1)
    throw new Error("the conversations of one sample have no common beginning");
  if (targets.length === 0) throw new Error("no token of the sample is trained: expected an assistant turn");
  return { ids, positions, branches, targets, pictures };
}
