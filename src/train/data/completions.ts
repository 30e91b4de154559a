/** @file Sampled answers as training sequences: the prompt once, its answers as branches. */

import { TrainingInputError } from "../input-error.ts";
import type { Completion, Group } from "../rollout.ts";
import { type Sequence, windowsOf } from "./sequence.ts";

/** A sequence and, for each of its targets, which answer it belongs to and which of that answer's tokens it is. */
export interface CompletionSequence<A> extends Sequence {
  readonly origins: readonly { readonly answer: A; readonly token: number }[];
}

function sequenceOf<Row, A extends Completion>(
  { promptIds, pictures, windows }: Group<Row>,
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
  return { ids, positions, branches, targets, pictures, windows, origins };
}

/**
 * One group as sequences that fit a batch: the prompt is repeated only where not all answers fit beside it.
 * @throws TrainingInputError when the prompt and its longest answer do not fit
 */
export function completionSequences<Row, A extends Completion>(
  group: Group<Row>,
  answers: readonly A[],
  { length, labels, images }: { readonly length: number; readonly labels: number; readonly images: number },
): CompletionSequence<A>[] {
  const prompt = group.promptIds.length;
  const windows = windowsOf(group);
  if (windows > images)
    throw new TrainingInputError(`a prompt has ${windows} pictures or tiles, batch.images is ${images}`);
  const room = Math.min(length - prompt, labels);
  const sequences: CompletionSequence<A>[] = [];
  let taken: A[] = [];
  let tokens = 0;
  for (const answer of answers) {
    const own = answer.tokens.length;
    if (own > room)
      throw new TrainingInputError(
        `a prompt of ${prompt} and an answer of ${own} tokens exceed rows of ${length} with ${labels} labels: raise batch.length or lower rollout.maxNewTokens`,
      );
    if (tokens + own > room) {
      sequences.push(sequenceOf(group, taken));
      taken = [];
      tokens = 0;
    }
    taken.push(answer);
    tokens += own;
  }
  if (taken.length) sequences.push(sequenceOf(group, taken));
  return sequences;
}
