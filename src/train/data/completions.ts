/** @file Sampled answers as training sequences: the prompt once, its answers as branches. */

import type { Answer, Group } from "../rollout.ts";
import type { Sequence } from "./sequence.ts";

/** A sequence and, for each of its targets, which answer it belongs to and which of that answer's tokens it is. */
export interface CompletionSequence<A> extends Sequence {
  readonly origins: readonly { readonly answer: A; readonly token: number }[];
}

function sequenceOf<Row, A extends Answer>(
  { promptIds, pixels }: Group<Row>,
  answers: readonly A[],
): CompletionSequence<A> {
  const ids = [...promptIds];
  const positions = ids.map((_, i) => i);
  const branches = ids.map(() => 0);
  const targets: [number, number][] = [];
  const origins: { answer: A; token: number }[] = [];
  answers.forEach((answer, b) => {
    answer.tokens.forEach((id, token) => {
      targets.push([token === 0 ? promptIds.length - 1 : ids.length - 1, id]);
      origins.push({ answer, token });
      ids.push(id);
      positions.push(promptIds.length + token);
      branches.push(b + 1);
    });
  });
  return { ids, positions, branches, targets, pixels, origins };
}

/**
 * One group as sequences of at most `length` tokens: the prompt is repeated only where not all answers fit beside it.
 * @throws RangeError when the prompt and its longest answer do not fit
 */
export function completionSequences<Row, A extends Answer>(
  group: Group<Row>,
  answers: readonly A[],
  length: number,
): CompletionSequence<A>[] {
  const sequences: CompletionSequence<A>[] = [];
  let taken: A[] = [];
  let tokens = group.promptIds.length;
  for (const answer of answers) {
    if (group.promptIds.length + answer.tokens.length > length)
      throw new RangeError(
        `a prompt of ${group.promptIds.length} and an answer of ${answer.tokens.length} tokens exceed the rows of ${length}: raise batch.length or lower maxNewTokens`,
      );
    if (tokens + answer.tokens.length > length) {
      sequences.push(sequenceOf(group, taken));
      taken = [];
      tokens = group.promptIds.length;
    }
    taken.push(answer);
    tokens += answer.tokens.length;
  }
  if (taken.length) sequences.push(sequenceOf(group, taken));
  return sequences;
}
