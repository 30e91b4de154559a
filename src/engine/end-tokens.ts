/** @file Which tokens end an answer. */
import type { FlashVLConfig } from "../model/index.ts";
import type { Tokenizer } from "../processor/index.ts";

/**
 * End tokens of config.json and generation_config.json, and `<|im_end|>`, which closes every turn of the prompt format.
 * Fine-tuned checkpoints often name only one of them.
 * @throws RangeError when one is not in the vocabulary.
 */
export function endTokens(config: FlashVLConfig, generationConfig: unknown, tokenizer: Tokenizer): ReadonlySet<number> {
  const { eos_token_id: eos } = (generationConfig ?? {}) as { eos_token_id?: number | number[] | null };
  const ends = new Set([...config.decoder.eosTokenIds, ...[eos ?? []].flat()]);
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
