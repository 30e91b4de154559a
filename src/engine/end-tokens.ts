/** @file Which tokens end an answer. */
import { dialectOf, type ModelConfig } from "../model/index.ts";
import type { Tokenizer } from "../processor/core.ts";

/**
 * `<|im_end|>`, which closes every turn, and where the model's dialect honours them the end tokens of config.json and
 * generation_config.json. Fine-tuned checkpoints often name only one of them.
 * @throws RangeError when one is not in the vocabulary.
 */
export function endTokens(config: ModelConfig, generationConfig: unknown, tokenizer: Tokenizer): ReadonlySet<number> {
  const { eos_token_id: eos } = (generationConfig ?? {}) as { eos_token_id?: number | number[] | null };
  const named = dialectOf(config).endsByConfig ? [...config.decoder.eosTokenIds, ...[eos ?? []].flat()] : [];
  const ends = new Set(named);
  ends.add(tokenizer.encodeControl("<|im_end|>"));
  for (const id of ends) {
    if (!Number.isInteger(id) || id < 0 || id >= config.decoder.vocabSize) {
      throw new RangeError(
        `eos_token_id ${JSON.stringify(id)} is not a token: the vocabulary has ${config.decoder.vocabSize}. Check generation_config.json.`,
      );
    }
  }
  return ends;
}
