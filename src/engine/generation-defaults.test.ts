import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../model/index.ts";
import { generationDefaults, UNCHANGED, withDefaults } from "./generation-defaults.ts";

const config = (folder: string, choices = {}) =>
  parseConfig(JSON.parse(readFileSync(new URL(`../../test/golden/${folder}/config.json`, import.meta.url), "utf8")), {
    choices,
  });
const fixed = config("static-tiny");

describe("defaults for generation", () => {
  it("are the family's where the checkpoint says nothing", () => {
    expect(generationDefaults(fixed, { eos_token_id: 1, transformers_version: "4.50" })).toEqual({ maxNewTokens: 256 });
    expect(generationDefaults(config("dynamic-tiny"), undefined)).toEqual({ maxNewTokens: 256 });
    expect(generationDefaults(config("iss-tiny", { iss: "trim" }), null)).toEqual({ maxNewTokens: 256 });
    for (const folder of ["internvl3-tiny", "internvl3-hf-tiny", "internvl3_5-tiny"])
      expect(generationDefaults(config(folder), {})).toEqual({ maxNewTokens: 1024 });
  });

  it("are generation_config.json's before that; null is absent, and top_k 0 is no limit", () => {
    const json = { max_new_tokens: 77, repetition_penalty: 1.05, temperature: 0.7, top_p: 0.8, top_k: 0, min_p: null };
    expect(generationDefaults(fixed, json)).toEqual({
      maxNewTokens: 77,
      repetitionPenalty: 1.05,
      temperature: 0.7,
      topP: 0.8,
    });
  });

  it.each([
    [{ top_p: 2 }, /generation_config\.json cannot be used: topP must be .* found 2/],
    [{ max_new_tokens: 0.5 }, /maxNewTokens must be a whole number >= 1; found 0\.5/],
    [{ repetition_penalty: "much" }, /repetitionPenalty must be/],
  ])("that no request could have are refused: %j", (json, message) => {
    expect(() => generationDefaults(fixed, json)).toThrow(message);
  });

  it("of chance count only for answers that ask for chance, and never over what a request says", () => {
    const defaults = { maxNewTokens: 9, repetitionPenalty: 1.1, temperature: 0.7, topP: 0.8 };
    expect(withDefaults({ seed: 3 }, defaults)).toEqual({ seed: 3, repetitionPenalty: 1.1 });
    expect(withDefaults({ temperature: 0 }, defaults)).toEqual({ temperature: 0, repetitionPenalty: 1.1 });
    expect(withDefaults({ doSample: true, topP: 0.5 }, defaults)).toEqual({
      doSample: true,
      topP: 0.5,
      temperature: 0.7,
      repetitionPenalty: 1.1,
    });
    expect(withDefaults({ temperature: 1, ...UNCHANGED }, defaults)).toEqual({
      ...UNCHANGED,
      temperature: 1,
      doSample: true,
    });
  });
});
