/** @file Sizes that config.json of every FlashVL family states and that follow from others. */

interface Stated {
  readonly imageTokens: number | undefined;
  readonly projection: number | undefined;
}

/**
 * @param by what else the number of tokens depends on, as words
 * @throws Error naming the key that contradicts the others
 */
export function checkStatedSizes(stated: Stated, windowTokens: number, decoderHidden: number, by = ""): void {
  if (stated.imageTokens !== undefined && stated.imageTokens !== windowTokens)
    throw new Error(
      `config.json: image_token_num is ${stated.imageTokens}, but the picture and patch size give ${windowTokens}${by}`,
    );
  if (stated.projection !== undefined && stated.projection !== decoderHidden)
    throw new Error(
      `config.json: proj_output_dim is ${stated.projection}, expected llm_config.hidden_size (${decoderHidden})`,
    );
}
