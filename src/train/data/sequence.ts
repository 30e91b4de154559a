/** @file One training sample as token arrays: a conversation, or several that continue one shared beginning. */

/** An encoded conversation as `processor`'s encodeConversation returns it. */
export interface Encoded {
  readonly ids: readonly number[];
  /** The id itself where it is trained, -100 elsewhere. */
  readonly labels: readonly number[];
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
  /** Pictures in the order of their slots: pixels [windows, 3, size, size], or tokens [tokens, hidden] for a graph that takes those. */
  readonly pictures: readonly Float32Array[];
  /** Windows of each picture, where they are not one each, or the pictures are not made yet. */
  readonly windows?: readonly number[];
  /** Makes the pictures, where `pictures` is empty because they are not made yet: asked for by who trains on the sample, when its batch is next. */
  readonly load?: () => Promise<readonly Float32Array[]>;
  /** What else the data knows about the sample, for auxiliary losses, each under a name of its own. */
  readonly extras?: Readonly<Record<string, unknown>>;
}

/** Windows of a sample's pictures together: places of a batch that they take. */
export const windowsOf = ({ pictures, windows }: Pick<Sequence, "pictures" | "windows">): number =>
  windows ? windows.reduce((sum, count) => sum + count, 0) : pictures.length;

const IGNORED = -100;

/** Length of the longest common beginning: of what carries no label, or of equal labels, too. */
function sharedLength(conversations: readonly Encoded[], labelled: boolean): number {
  const [first, ...rest] = conversations;
  let n = 0;
  while (
    n < first!.ids.length - 1 &&
    (labelled || first!.labels[n] === IGNORED) &&
    rest.every((c) => n < c.ids.length - 1 && c.ids[n] === first!.ids[n] && c.labels[n] === first!.labels[n])
  )
    n++;
  return n;
}

/**
 * Several conversations about the same pictures as one sequence: what they have in common (system text, pictures) stands
 * there once, their continuations do not see each other, and positions are those of each conversation alone. So gradients
 * are those of the conversations trained one by one, for one pass over the picture.
 * @param labelled whether the first words that all answers have in common stand there once, too; each is a target of every conversation
 * @throws Error when there is no conversation, or no label in any
 */
export function toSequence(
  conversations: readonly Encoded[],
  pictures: readonly Float32Array[],
  windows?: readonly number[],
  labelled = false,
): Sequence {
  if (conversations.length === 0) throw new Error("a training sample needs at least one conversation, found none");
  const shared = conversations.length === 1 ? 0 : sharedLength(conversations, labelled);
  const ids: number[] = [...conversations[0]!.ids.slice(0, shared)];
  const positions: number[] = ids.map((_, i) => i);
  const branches: number[] = ids.map(() => 0);
  const targets: [number, number][] = [];
  conversations.forEach((c, b) => {
    for (let i = 1; i < shared; i++) if (c.labels[i] !== IGNORED) targets.push([i - 1, c.labels[i]!]);
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
  return { ids, positions, branches, targets, pictures, ...(windows && { windows }) };
}
