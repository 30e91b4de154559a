/** @file Recipes fill themselves from model and data, say what a wrong key probably means, and list their keys. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/common/index.ts";
import { openModelCheckpoint } from "../../src/compile/index.ts";
import type { ModelConfig } from "../../src/model/index.ts";
import { defaultModelFolder } from "../../src/node/index.ts";
import { heldOutCount } from "../../src/train/data/held-out.ts";
import { packBestFit } from "../../src/train/data/pack.ts";
import {
  defaultRate,
  fillGrpo,
  fillSft,
  type GrpoKeys,
  keysOf,
  parseRecipe,
  readRecipe,
  recipeJsonSchema,
  resolvedSchedule,
  type SftKeys,
} from "../../src/train/index.ts";

const { checkpoint, config } = await openModelCheckpoint(defaultModelFolder());
await checkpoint.close();

const sft = (more: object = {}): SftKeys =>
  parseRecipe({ stage: "sft", model: "m", data: { file: "a.jsonl" }, ...more }) as SftKeys;
const grpo = (more: object = {}): GrpoKeys =>
  parseRecipe({
    stage: "grpo",
    model: "m",
    data: { file: "a.jsonl" },
    rewards: [{ name: "accuracy" }],
    ...more,
  }) as GrpoKeys;

const random = new Random(2);
/** Samples of one picture and texts of all lengths. */
const sizes = Array.from({ length: 100 }, () => {
  const labels = 1 + random.below(30);
  return { tokens: 80 + random.below(40) + labels, images: 1, labels };
});
const data = { samples: 100, sizes };

describe("a recipe of a few keys", () => {
  it("is completed: three epochs of batches of eight, in the smallest shape that holds them", () => {
    const { steps, batch, batchSize } = fillSft(sft(), config, data);
    expect([steps, batchSize]).toEqual([Math.ceil(300 / 8), 8]);
    expect(batch.images).toBe(8);
    expect(batch.length % 16).toBe(0);
    const longest = Math.max(...sizes.map(({ tokens }) => tokens));
    expect(batch.length).toBeGreaterThanOrEqual(longest);
    expect(batch.length).toBeLessThan(longest + 16);
    // Any eight samples fit, and with one row fewer some do not.
    const order = new Random(9).permutation(100);
    for (let at = 0; at + 8 <= 100; at += 8) {
      const taken = Array.from(order.subarray(at, at + 8), (i) => sizes[i]!);
      expect(
        packBestFit(
          taken.map(({ tokens }) => tokens),
          batch.length,
        ).length,
      ).toBeLessThanOrEqual(batch.rows);
      expect(taken.reduce((n, { labels }) => n + labels, 0)).toBeLessThanOrEqual(batch.labels);
    }
    expect(batch.rows).toBeLessThanOrEqual(8);
  });

  it("keeps what it says itself: steps, epochs, accumulation, a part of the shape", () => {
    expect(fillSft(sft({ steps: 7 }), config, data).steps).toBe(7);
    expect(fillSft(sft({ epochs: 0.5, batchSize: 5, accumulate: 2 }), config, data).steps).toBe(5);
    const { batch } = fillSft(sft({ batch: { rows: 20, headChunk: 4 } }), config, data);
    expect(batch).toMatchObject({ rows: 20, headChunk: 4 });
    const whole = { images: 4, rows: 2, length: 300, labels: 64 };
    const filled = fillSft(sft({ batch: whole, epochs: 1 }), config, data);
    expect(filled.batch).toEqual(whole);
    expect(filled.batchSize).toBeUndefined();
    expect(filled.steps).toBeGreaterThanOrEqual(25);
  });

  it("has a rate that suits the kind of training and the width of the model", () => {
    const wide: ModelConfig = { ...config, decoder: { ...config.decoder, hiddenSize: 1536 } };
    expect([defaultRate("sft", false, wide), defaultRate("sft", true, wide)]).toEqual([2e-5, 2e-4]);
    expect([defaultRate("grpo", false, wide), defaultRate("grpo", true, wide)]).toEqual([1e-6, 2e-5]);
    expect(defaultRate("sft", true, config)).toBe(0.0016);
    expect(fillSft(sft({ lora: {} }), config, data).optimizer.learningRate).toBe(0.0016);
    expect(fillSft(sft({ optimizer: { learningRate: 0.5 } }), config, data).optimizer.learningRate).toBe(0.5);
  });

  it("warms up over a share of its steps", () => {
    const { optimizer, steps } = fillSft(
      sft({ steps: 50, optimizer: { schedule: { warmupRatio: 0.1 } } }),
      config,
      data,
    );
    expect(resolvedSchedule({ optimizer, steps })).toMatchObject({ warmupSteps: 5, totalSteps: 50 });
    expect(resolvedSchedule(fillSft(sft({ steps: 50 }), config, data))).toMatchObject({ warmupSteps: 0 });
  });

  it("refuses lengths beyond the model's context, by the key", () => {
    expect(() => fillSft(sft({ maxLength: 4096 }), config, data)).toThrow(
      /maxLength is 4096, but the model's context has 2048/,
    );
    expect(() => fillSft(sft({ batch: { length: 4096 } }), config, data)).toThrow(/batch\.length is 4096/);
    const long = { samples: 2, sizes: [{ tokens: 9000, images: 1, labels: 3 }, ...sizes] };
    expect(fillSft(sft(), config, long).batch.length).toBe(2048);
    expect(() => fillSft(sft(), config, { samples: 1, sizes: [] })).toThrow(/no row of the data can be used/);
  });

  it("of GRPO has room for a prompt and all its answers", () => {
    const { batch, steps } = fillGrpo(
      grpo({ groupSize: 4, promptsPerStep: 10, rollout: { maxNewTokens: 32 } }),
      config,
      data,
    );
    const longest = Math.max(...sizes.map(({ tokens }) => tokens));
    expect(batch.length).toBeGreaterThanOrEqual(longest + 4 * 32);
    expect(batch.labels).toBeGreaterThanOrEqual(4 * 32);
    expect(batch.images).toBe(batch.rows);
    expect(steps).toBe(10);
  });

  it("holds out a number of rows, a share, or a fifth", () => {
    expect([
      heldOutCount(7, 100),
      heldOutCount(0.1, 50),
      heldOutCount(undefined, 50),
      heldOutCount(undefined, 9999),
    ]).toEqual([7, 5, 10, 64]);
  });
});

it("a YAML tag that nobody defined is refused by name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "flashvl-recipe-"));
  try {
    const file = join(folder, "recipe.yaml");
    await writeFile(file, "stage: sft\nmodel: !!js/function x\ndata: { file: a.jsonl }\n");
    await expect(readRecipe(file)).rejects.toThrow(/recipe\.yaml is not YAML: Unresolved tag: .*js\/function/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe("a key that does not exist", () => {
  const wrong = (more: object, of = sft) => {
    try {
      of(more);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("the recipe was taken");
  };

  it.each([
    [{ num_train_epochs: 3 }, 'num_train_epochs: there is no such key; did you mean "epochs"?'],
    [{ learning_rate: 1e-4 }, 'did you mean "optimizer.learningRate"?'],
    [{ per_device_train_batch_size: 4 }, 'did you mean "batchSize"?'],
    [{ warmup_ratio: 0.1 }, 'did you mean "optimizer.schedule.warmupRatio"?'],
    [{ lora_rank: 4 }, 'did you mean "lora.rank"?'],
    [{ lora: { r: 4 } }, 'lora.r: there is no such key; did you mean "lora.rank"?'],
    [{ lora: { use_dora: true } }, "DoRA is not supported"],
    [{ output_dir: "x" }, "--run FOLDER"],
    [{ epoch: 3 }, 'did you mean "epochs"?'],
    [{ optimizer: { warmupRatio: 0.1 } }, 'did you mean "optimizer.schedule.warmupRatio"?'],
    [{ rank: 4 }, 'did you mean "lora.rank"?'],
    [{ batch: { size: 4 } }, "batch.size: there is no such key"],
    [{ colour: 4 }, "flashvl train keys lists all"],
    [{ constructor: 4 }, "constructor: there is no such key"],
  ])("%o is named with the one that was meant", (more, advice) => {
    expect(wrong(more)).toContain(advice);
  });

  it("of another stage is not offered", () => {
    expect(wrong({ num_generations: 4 })).toContain("flashvl train keys lists all");
    expect(wrong({ num_generations: 4 }, grpo as never)).toContain('did you mean "groupSize"?');
  });

  it("and values of wrong types and contradictions are listed, each by its key", () => {
    const message = wrong({ steps: -1, epochs: "three", optimizer: { schedule: { kind: "step" } } });
    for (const key of ["steps: ", "epochs: ", "optimizer.schedule.kind: "]) expect(message).toContain(key);
    expect(wrong({ steps: 3, epochs: 2 })).toContain("steps: found both steps and epochs");
    expect(wrong({ data: { source: "s.ts" } })).toContain("steps: missing: a data.source has no epochs");
    expect(wrong({ data: { source: "s.ts" }, steps: 3 })).toContain("batch.rows: missing");
    expect(wrong({ optimizer: { learningRate: { towr: 1 } } })).toContain(
      "optimizer.learningRate.towr: there is no such key",
    );
  });
});

describe("the keys of a stage", () => {
  it("all have a meaning, and those of nested objects stand by their paths", () => {
    for (const stage of ["sft", "grpo", "dpo"] as const) {
      const keys = keysOf(stage);
      for (const { path, meaning } of keys)
        if (!/^(stage|optimizer\.learningRate\.|rewards)/.test(path)) expect(meaning, `${stage} ${path}`).not.toBe("");
      expect(keys.find(({ path }) => path === "optimizer.schedule.minFactor")).toMatchObject({
        type: "number",
        default: 0,
      });
      expect(keys.filter(({ required }) => required).map(({ path }) => path)).toEqual(
        stage === "grpo" ? ["stage", "model", "data", "rewards"] : ["stage", "model", "data"],
      );
    }
  });

  it("are a JSON Schema with the same keys", () => {
    const schema = recipeJsonSchema() as { oneOf?: { properties: object }[]; anyOf?: { properties: object }[] };
    const [first, second] = schema.oneOf ?? schema.anyOf!;
    expect(Object.keys(first!.properties)).toEqual(
      keysOf("sft").flatMap(({ path }) => (path.includes(".") ? [] : [path])),
    );
    expect(Object.keys(second!.properties)).toContain("groupSize");
  });
});
