/** @file Where the files of a checkpoint keep a model's tensors: under which names, and which of them in one piece. */

import type { Parameter } from "./parameters.ts";

/** A tensor of a file, and the model's own tensors that it holds, one after the other by rows. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** The model's names. */
  readonly holds: readonly string[];
}

/** The name in the file of a tensor that the model has under another. Several with one name stand there in one piece, in order. */
export type FileName = (name: string) => string;

/** Names by rules: the first pattern that fits is replaced; a name that none fits stays. */
export const byRules =
  (rules: readonly (readonly [RegExp, string])[]): FileName =>
  (name) => {
    const rule = rules.find(([pattern]) => pattern.test(name));
    return rule ? name.replace(rule[0], rule[1]) : name;
  };

/**
 * The tensors of a file that holds these parameters.
 * @example storedTensors(listParameters(config), (name) => name)[0]?.holds // ["llm.model.embed_tokens.weight"]
 */
export function storedTensors(
  parameters: readonly Pick<Parameter, "name" | "shape">[],
  fileName: FileName,
): StoredTensor[] {
  const stored = new Map<string, StoredTensor>();
  for (const { name, shape } of parameters) {
    const file = fileName(name);
    const { shape: above = [0], holds = [] } = stored.get(file) ?? {};
    stored.set(file, { name: file, shape: [above[0]! + shape[0]!, ...shape.slice(1)], holds: [...holds, name] });
  }
  return [...stored.values()];
}
