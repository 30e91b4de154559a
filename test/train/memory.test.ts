/** @file A batch is as large as the memory allows, and what does not fit is refused with what would. */
import { describe, expect, it } from "vitest";
import { openModelCheckpoint } from "../../src/compile/index.ts";
import { defaultModelFolder } from "../../src/node/index.ts";
import { type DpoKeys, type GrpoKeys, parseRecipe, type SftKeys } from "../../src/train/index.ts";
import { estimateMemory } from "../../src/train/memory/estimate.ts";
import { fitMemory, memoryLine } from "../../src/train/memory/fit-memory.ts";
import { dpoBatches, fillSft, grpoBatches, sftBatches } from "../../src/train/recipe/fill-recipe.ts";

const { checkpoint, config } = await openModelCheckpoint(defaultModelFolder());
await checkpoint.close();
const sizes = Array.from({ length: 40 }, (_, i) => ({ tokens: 100 + i, images: 1, labels: 10 }));
const data = { samples: 40, sizes };

const common = { model: "m", data: { file: "a.jsonl" } };
const sft = (more: object = {}) => parseRecipe({ stage: "sft", ...common, ...more }) as SftKeys;
const dpo = parseRecipe({ stage: "dpo", ...common, pairsPerStep: 8 }) as DpoKeys;
const grpo = parseRecipe({ stage: "grpo", ...common, rewards: [{ name: "accuracy" }] }) as GrpoKeys;
const of = (recipe: SftKeys) => estimateMemory(config, fillSft(recipe, config, data));

describe("the estimate", () => {
  it("counts weights once, and gradients and two moments of what is trained", () => {
    const full = of(sft());
    const floats = full.weights / 4;
    expect(floats).toBeGreaterThan(6.5e6);
    expect(full.optimizer).toBe(3 * full.weights);
    // Sums of gradients are kept apart where an update has several batches.
    expect(of(sft({ accumulate: 2 })).optimizer).toBe(4 * full.weights);
    const lora = of(sft({ lora: { rank: 4 } }));
    expect(lora.optimizer).toBeLessThan(full.optimizer / 20);
    expect(lora.weights - full.weights).toBe(lora.optimizer / 3);
  });

  it("of a step grows with the batch, and falls with recomputation and with parts that are not trained", () => {
    const step = (more: object) => of(sft(more)).step;
    const eight = step({ batchSize: 8 });
    expect(step({ batchSize: 16 }) / eight).toBeGreaterThan(1.7);
    expect(step({ batchSize: 16 }) / eight).toBeLessThan(2.3);
    expect(step({ recompute: true })).toBeLessThan(eight / 2);
    expect(step({ train: ["decoder"] })).toBeLessThan(eight);
    expect(step({ validation: {} })).toBeGreaterThan(eight);
  });
});

describe("a recipe that says no batch", () => {
  it("gets the usual one where there is room, and says what it takes", () => {
    const { recipe, memory, limit } = fitMemory(config, sftBatches(sft(), config, data), { limit: 4e9 });
    expect(recipe).toEqual(fillSft(sft(), config, data));
    expect(memoryLine(memory, limit)).toMatch(
      /^memory about [\d.]+ GB of 4.00 GB: weights 0.03, gradients and moments 0.08, a step [\d.]+$/,
    );
  });

  it("gets a smaller one where there is not, with as many samples a step, and is told", () => {
    const lines: string[] = [];
    const { total } = of(sft({ batchSize: 2, accumulate: 4 }));
    const { recipe } = fitMemory(config, sftBatches(sft(), config, data), {
      limit: total + 1,
      print: (line) => lines.push(line),
    });
    expect(recipe).toMatchObject({ batchSize: 2, accumulate: 4, batch: { images: 2 } });
    expect(recipe.steps).toBe(fillSft(sft(), config, data).steps);
    expect(lines).toEqual([expect.stringMatching(/^the usual batch would take about .* a smaller one is taken$/)]);
  });

  it("of pairs and of prompts is made smaller in the same way", () => {
    const smallest = <T extends Parameters<typeof estimateMemory>[1]>(all: Iterable<T>) => [...all].at(-1)!;
    const pairs = smallest(dpoBatches(dpo, config, data));
    expect(pairs).toMatchObject({ batchSize: 1, pairsPerStep: 8 });
    expect(fitMemory(config, dpoBatches(dpo, config, data), { limit: 8e9 }).recipe.batchSize).toBeUndefined();
    const prompts = smallest(grpoBatches(grpo, config, data));
    const { total } = estimateMemory(config, prompts);
    expect(fitMemory(config, grpoBatches(grpo, config, data), { limit: total }).recipe).toEqual(prompts);
    expect(prompts.batch.rows).toBe(1);
    expect(prompts.batch.length).toBeGreaterThanOrEqual(139 + grpo.rollout.maxNewTokens);
  });

  it("keeps the batch that its run was begun with, whatever is free now", () => {
    const begun = fillSft(sft({ batchSize: 4, accumulate: 2 }), config, data);
    const { recipe } = fitMemory(config, sftBatches(sft(), config, data), { limit: 4e9, begun });
    expect(recipe).toMatchObject({ batchSize: 4, accumulate: 2 });
    const other = fitMemory(config, sftBatches(sft({ accumulate: 3 }), config, data), { limit: 4e9, begun });
    expect(other.recipe).toMatchObject({ batchSize: 8, accumulate: 3 });
  });
});

describe("a batch that a recipe says itself and that does not fit", () => {
  it("is refused with what it takes and what to change", () => {
    const recipe = sft({ batchSize: 40 });
    expect(() => fitMemory(config, sftBatches(recipe, config, data), { limit: 1e9 })).toThrow(
      /^This batch does not fit the memory: memory about [\d.]+ GB of 1.00 GB: .* Take a smaller batchSize with a larger accumulate, recompute: true, lora in place of train or shorter samples; where the estimate is wrong, say how many GB the run may take with memory: \d+\.$/,
    );
  });
});
