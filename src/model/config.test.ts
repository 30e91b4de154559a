/** @file config.json: the published sizes give the published parameter count; anything else is refused with reasons. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FAMILIES, listParameters, parametersOf } from "./families/index.ts";
import { parseConfig, READERS } from "./families/parse-config.ts";

const published = {
  vision_config: {
    hidden_size: 1152,
    intermediate_size: 4304,
    num_hidden_layers: 27,
    num_attention_heads: 16,
    image_size: 512,
    patch_size: 16,
    proj_output_dim: 1536,
  },
  llm_config: {
    vocab_size: 151936,
    hidden_size: 1536,
    intermediate_size: 8960,
    num_hidden_layers: 28,
    num_attention_heads: 12,
    num_key_value_heads: 2,
    max_position_embeddings: 32768,
    rope_theta: 1e6,
    tie_word_embeddings: false,
    eos_token_id: 151645,
  },
  intermediate_size: 7168,
  image_token_num: 256,
};
const changed = (part: "vision_config" | "llm_config", changes: object) => ({
  ...published,
  [part]: { ...published[part], ...changes },
});
const count = (json: unknown) =>
  listParameters(parseConfig(json)).reduce((n, p) => n + p.shape.reduce((a, b) => a * b, 1), 0);

test("the published sizes have 2,301,306,304 parameters, the unused pooling head included", () => {
  expect(count(published)).toBe(2_301_306_304);
});

test("what config.json leaves out has transformers' defaults for these models", () => {
  const { decoder, vision } = parseConfig(changed("llm_config", { rope_theta: undefined }));
  expect([decoder.ropeTheta, decoder.normEpsilon, vision.normEpsilon]).toEqual([1e6, 1e-6, 1e-6]);
  const given = parseConfig({
    ...published,
    vision_config: { ...published.vision_config, layer_norm_eps: 1e-5 },
    llm_config: { ...published.llm_config, rope_theta: 1e4, rms_norm_eps: 1e-5 },
  });
  expect([given.decoder.ropeTheta, given.decoder.normEpsilon, given.vision.normEpsilon]).toEqual([1e4, 1e-5, 1e-5]);
});

test("a tied head is not a tensor of its own, and stands for the embeddings", () => {
  const tied = changed("llm_config", { tie_word_embeddings: true });
  expect(count(published) - count(tied)).toBe(151936 * 1536);
  const parameters = parametersOf(parseConfig(tied));
  expect(parameters.head).toBe(parameters.get("llm.model.embed_tokens.weight"));
});

test("an unknown parameter is refused by name", () => {
  expect(() => parametersOf(parseConfig(published)).get("llm.model.layers.28.mlp.up_proj.weight")).toThrow("layers.28");
});

test("every size is read from the file", () => {
  const config = parseConfig(
    changed("llm_config", {
      head_dim: 64,
      rope_parameters: { rope_theta: 5e5, rope_type: "default" },
      rope_theta: undefined,
      eos_token_id: [1, 2],
    }),
  );
  expect(config.decoder).toMatchObject({ headDim: 64, ropeTheta: 5e5, eosTokenIds: [1, 2] });
  expect(config.windowTokens).toBe(256);
});

describe("contradictions are named", () => {
  test.each([
    [changed("vision_config", { image_size: 500 }), "image_size is 500"],
    [changed("vision_config", { hidden_size: 1150 }), "hidden_size is 1150"],
    [changed("llm_config", { num_key_value_heads: 5 }), "num_attention_heads is 12"],
    [changed("llm_config", { head_dim: 63 }), "head_dim is 63"],
    [changed("llm_config", { rope_parameters: { rope_type: "yarn" } }), "yarn"],
    [changed("vision_config", { proj_output_dim: 1024 }), "proj_output_dim is 1024"],
    [changed("llm_config", { num_hidden_layers: 1e9 }), "num_hidden_layers"],
    [{ ...published, image_token_num: 576 }, "image_token_num is 576"],
    [changed("llm_config", { hidden_act: "gelu" }), "llm_config.hidden_act"],
  ])("%#", (json, reason) => {
    expect(() => parseConfig(json)).toThrow(reason);
  });

  test("all wrong keys at once", () => {
    const json = {
      ...published,
      intermediate_size: "7168",
      vision_config: { ...published.vision_config, patch_size: -16, num_attention_heads: undefined },
    };
    for (const key of ["vision_config.patch_size", "vision_config.num_attention_heads", "intermediate_size"])
      expect(() => parseConfig(json)).toThrow(key);
  });
});

test("whatever a config.json holds, the answer is a config or a plain error", () => {
  const hostile = fc.oneof(
    fc.anything(),
    fc.double(),
    fc.constantFrom(Number.NaN, 1e308, -1, 0, "__proto__", null, [], {}),
  );
  const keys = [...Object.keys(published.vision_config), ...Object.keys(published.llm_config)];
  const configs = fc.oneof(
    fc.anything(),
    fc
      .tuple(fc.constantFrom("vision_config", "llm_config"), fc.constantFrom(...keys), hostile)
      .map(([part, key, value]) => changed(part as "llm_config", { [key]: value })),
    fc
      .tuple(fc.constantFrom(...Object.keys(published)), hostile)
      .map(([key, value]) => ({ ...published, [key]: value })),
  );
  fc.assert(
    fc.property(configs, (json) => {
      try {
        expect(parseConfig(json).windowTokens).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        expect((error as Error).message).toMatch(/^config\.json/);
      }
    }),
    { numRuns: Number(process.env.FLASHVL_FUZZ) || 300, seed: 1 },
  );
});

test("every family has a reader of its config.json", () => {
  expect([...READERS.keys()].sort()).toEqual(FAMILIES.map(({ name }) => name).sort());
});
