/** @file What config.json leaves out or calls otherwise is read from the tensors: stripped and renamed, it means the same model. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/hub/index.ts";
import { type ConfigFacts, type ModelConfig, parseConfig } from "../../src/model/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { familyExpected, familyFolder } from "../engine/support/golden.ts";
import { temporaryFolder } from "../engine/support/models.ts";

type Json = Record<string, unknown>;
const FOLDERS = ["static-tiny", "internvl3-tiny", "internvl3-hf-tiny", "internvl3_5-tiny", "dynamic-tiny", "iss-tiny"];
/** The number of heads cannot be seen in tensors, and the tiny models have none of the published widths. */
const NEEDED = ["num_attention_heads"];
/** What is taken from the published models where nothing says it; the tiny ones differ. */
const ASSUMED = ["max_position_embeddings"];

const without = (part: Json, keys: readonly string[]): Json =>
  Object.fromEntries(Object.entries(part).filter(([key]) => !keys.includes(key)));
const only = (part: Json, keys: readonly string[]): Json =>
  Object.fromEntries(Object.entries(part).filter(([key]) => keys.includes(key)));

describe.each(FOLDERS)("%s", (name) => {
  const folder = familyFolder(name);
  const json: Json = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  const decoderKey = "llm_config" in json ? "llm_config" : "text_config";
  const vision = json.vision_config as Json;
  const decoder = json[decoderKey] as Json;
  let facts: ConfigFacts;
  let whole: ModelConfig;
  beforeAll(async () => {
    const checkpoint = await openCheckpoint(folder);
    const preprocessor = await checkpoint.readJson("preprocessor_config.json");
    await checkpoint.close();
    facts = {
      tensors: checkpoint.tensors,
      preprocessor,
      ...(name === "iss-tiny" && { choices: { iss: "trim" as const } }),
    };
    whole = parseConfig(json, facts);
    expect(whole.derived).toBeUndefined();
  });
  const meaning = (changed: Json) => {
    const { derived, ...config } = parseConfig(changed, facts);
    return { derived, config };
  };

  it.each(Object.keys(vision).filter((key) => !NEEDED.includes(key)))("is the same without vision_config.%s", (key) => {
    expect(meaning({ ...json, vision_config: without(vision, [key]) }).config).toEqual(whole);
  });

  it.each(Object.keys(decoder).filter((key) => ![...NEEDED, ...ASSUMED].includes(key)))(
    "is the same without the decoder's %s",
    (key) => {
      const { config } = meaning({ ...json, [decoderKey]: without(decoder, [key]) });
      const { eosTokenIds } = whole.decoder;
      expect({ ...config, decoder: { ...config.decoder, eosTokenIds } }).toEqual(whole);
    },
  );

  it("is the same with parts under other names, inside another object, and without a type", () => {
    const others = without(json, ["vision_config", decoderKey, "model_type", "architectures", "auto_map"]);
    for (const [visionName, decoderName] of [
      ["vit_config", "language_config"],
      ["vision", "text_config"],
      ["visual_config", "llm"],
    ] as const) {
      const parts = { [visionName]: vision, [decoderName]: decoder };
      expect(meaning({ ...others, ...parts }).config).toEqual(whole);
      expect(meaning({ ...others, model: parts }).config).toEqual(whole);
    }
  });

  it("is the same from shapes, but for heads and positions, and says where each value comes from", () => {
    const kept = [...NEEDED, ...ASSUMED, "eos_token_id", "head_dim", "rope_theta", "rope_parameters"];
    const { config, derived } = meaning({
      ...only(json, ["max_dynamic_patch", "force_image_size"]),
      vision_config: only(vision, NEEDED),
      [decoderKey]: only(decoder, kept),
    });
    expect(config).toEqual(whole);
    expect(derived).toMatchObject({
      "vision_config.num_hidden_layers": "tensors",
      [`${decoderKey}.vocab_size`]: "tensors",
    });
  });

  it("leaves only the heads open where parts are mere names", () => {
    const named = { ...json, vision_config: "org/tower", [decoderKey]: "org/decoder" };
    expect(() => meaning(named)).toThrow(/num_attention_heads/);
  });

  it("whatever stands in one place of it, the answer is a config or a plain error", () => {
    const hostile = fc.oneof(
      fc.anything(),
      fc.constantFrom(Number.NaN, 1e308, -1, 0, 2 ** 40, "__proto__", null, [], {}),
    );
    const places: (readonly [string, string?])[] = [
      ...Object.keys(json).map((key) => [key] as const),
      ...Object.keys(vision).map((key) => ["vision_config", key] as const),
      ...Object.keys(decoder).map((key) => [decoderKey, key] as const),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...places), hostile, ([part, key], value) => {
        const changed = key === undefined ? value : { ...(json[part] as Json), [key]: value };
        try {
          expect(parseConfig({ ...json, [part]: changed }, facts).vision.layers).toBeLessThanOrEqual(512);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect((error as Error).message).toMatch(/^config\.json/);
        }
      }),
      { numRuns: Number(process.env.FLASHVL_FUZZ) || 200, seed: 2 },
    );
  });
});

it("a checkpoint answers the same by its shapes", async () => {
  const folder = temporaryFolder();
  const source = familyFolder("internvl3-tiny");
  mkdirSync(join(folder, "model"));
  for (const file of readdirSync(source).filter((file) => /^(tokenizer|added|generation|model)/.test(file)))
    cpSync(join(source, file), join(folder, "model", file));
  const bare = { vit_config: { num_heads: 4 }, text_config: { num_attention_heads: 4, max_position_embeddings: 8192 } };
  writeFileSync(join(folder, "model", "config.json"), JSON.stringify(bare));
  await using model = await FlashVL.fromPretrained(join(folder, "model"), { cacheDir: join(folder, "cache") });
  const one = familyExpected("internvl3-tiny").cases.find(({ name }) => name === "wide")!;
  const { tokens } = await model.generate(`${source}images/wide.png`, one.messages, {
    maxTiles: one.max_tiles,
    maxNewTokens: one.generated.length,
  });
  expect(tokens).toEqual(one.generated);
});
