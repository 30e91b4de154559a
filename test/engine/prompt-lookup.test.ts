/** @file Drafts change how fast an answer comes, never what it says. */
import { describe, expect, it } from "vitest";
import type { GenerateOptions, GenerateResult } from "../../src/engine/index.ts";
import type { FlashVL } from "../../src/node/index.ts";
import { expected, type GoldenCase } from "./support/golden.ts";
import { pictureOf, tinyModels } from "./support/models.ts";

const open = tinyModels();
const seedQuestion = expected.cases.find(({ name }) => name === "seed_question")!;
const ask = (model: FlashVL, one: Pick<GoldenCase, "image" | "messages">, options: GenerateOptions) =>
  model.generate(pictureOf(one), one.messages, options);

/** Pulls the model towards one text, over and over: a model that copies. */
const copying = (ids: readonly number[]) => (logits: Float32Array, generated: readonly number[]) => {
  logits[ids[generated.length % ids.length]!]! += 50;
};
const word = [70, 71, 72, 73, 74, 75, 76, 77, 78, 79];

describe("prompt lookup", () => {
  it("leaves every greedy answer of the reference as it is", async () => {
    const model = await open();
    for (const tokens of [1, 3, 8]) {
      for (const one of expected.cases) {
        const options = { maxNewTokens: one.generated.length, promptLookup: { ngram: 1, tokens } };
        const { tokens: found, text, usage } = await ask(model, one, options);
        expect(found).toEqual(one.generated);
        expect(text).toBe(one.text);
        expect(usage.draftedTokens).toBeGreaterThan(0);
      }
    }
    await model.dispose();
  });

  it("accepts nearly every draft of an answer that repeats itself, and leaves a true KV cache behind", async () => {
    const [fast, plain] = [await open(), await open()];
    const options = { logitsProcessor: copying(word), maxNewTokens: 120, logprobs: true };
    const found = await ask(fast, seedQuestion, { ...options, promptLookup: true });
    const reference = await ask(plain, seedQuestion, options);
    expect(found.tokens).toEqual(reference.tokens);
    reference.logprobs!.forEach((logprob, i) => {
      expect(found.logprobs![i]).toBeCloseTo(logprob, 4);
    });
    const { draftedTokens, acceptedTokens } = found.usage;
    expect(acceptedTokens! / found.tokens.length).toBeGreaterThan(0.75);
    expect(acceptedTokens).toBeLessThanOrEqual(draftedTokens!);
    expect(reference.usage).not.toHaveProperty("draftedTokens");
    const messages = [
      ...seedQuestion.messages,
      { role: "assistant" as const, content: found.text },
      { role: "user" as const, content: "Again?" },
    ];
    const second = await ask(fast, { ...seedQuestion, messages }, { maxNewTokens: 20 });
    const again = await ask(plain, { ...seedQuestion, messages }, { maxNewTokens: 20 });
    expect(second.usage.cachedTokens).toBe(again.usage.cachedTokens);
    expect(second.tokens).toEqual(again.tokens);
    await Promise.all([fast.dispose(), plain.dispose()]);
  });

  it("needs fewer runs than tokens", async () => {
    const model = await open();
    let chosenTogether = 0;
    let turn = 0;
    const turns = new Set<number>();
    const processor = copying(word);
    const logitsProcessor = (logits: Float32Array, generated: readonly number[]) => {
      processor(logits, generated);
      if (turns.has(turn)) chosenTogether++;
      turns.add(turn);
      setImmediate(() => turn++);
    };
    await ask(model, seedQuestion, { logitsProcessor, maxNewTokens: 100, promptLookup: true });
    expect(chosenTogether).toBeGreaterThan(70);
    await model.dispose();
  });

  it("ends where the answer ends without drafts: limit, stop string, schema, and the context's last token", async () => {
    const model = await open({ maxContext: 100 });
    const left = 100 - seedQuestion.prompt_ids.length;
    const logitsProcessor = copying(word);
    const schema = { type: "object", properties: { a: { type: "array", items: { type: "integer" } } } };
    const stop = model.tokenizer.decode([...word, ...word]).slice(8, 12);
    const variants: GenerateOptions[] = [
      { logitsProcessor, maxNewTokens: 33 },
      { logitsProcessor, maxNewTokens: left },
      { logitsProcessor, maxNewTokens: left, stop: [stop] },
      { maxNewTokens: left, schema: { ...schema, required: ["a"], additionalProperties: false } },
    ];
    for (const options of variants) {
      const plain = await ask(model, seedQuestion, options);
      const found = await ask(model, seedQuestion, { ...options, promptLookup: { ngram: 1 } });
      const about = ({ text, tokens, finishReason }: GenerateResult) => ({ text, tokens, finishReason });
      expect(about(found)).toEqual(about(plain));
      expect(found.usage.draftedTokens).toBeGreaterThan(0);
    }
    await model.dispose();
  });

  it("changes nobody's answer among 24 random requests at once, drawn, biased and penalised", async () => {
    const [busy, alone] = [await open({ maxBatch: 5, prefillChunk: 10 }), await open({ maxBatch: 1 })];
    const requests = Array.from({ length: 24 }, (_, i) => {
      const one = expected.cases[i % expected.cases.length]!;
      const options: GenerateOptions = {
        doSample: i % 2 === 0,
        temperature: 0.5 + (i % 5) / 4,
        seed: i,
        maxNewTokens: 5 + ((i * 11) % 40),
        repetitionPenalty: i % 3 === 0 ? 1.05 : undefined,
        frequencyPenalty: i % 4 === 1 ? 0.2 : undefined,
        logitBias: i % 5 === 0 ? { 482: -1e9 } : undefined,
        logitsProcessor: i % 3 === 1 ? copying(word.slice(0, 1 + (i % 7))) : undefined,
      };
      return { one, options, promptLookup: i % 4 !== 3 && { ngram: 1 + (i % 3), tokens: 1 + (i % 9) } };
    });
    const found = await Promise.all(
      requests.map(({ one, options, promptLookup }) => ask(busy, one, { ...options, promptLookup })),
    );
    let accepted = 0;
    for (const [i, { one, options }] of requests.entries()) {
      expect(found[i]!.tokens).toEqual((await ask(alone, one, options)).tokens);
      accepted += found[i]!.usage.acceptedTokens ?? 0;
    }
    expect(accepted).toBeGreaterThan(50);
    expect(busy.stats()).toMatchObject({ running: 0, waiting: 0 });
    await Promise.all([busy.dispose(), alone.dispose()]);
  });

  it("stops at an abort in the middle of a draft", async () => {
    const model = await open();
    const controller = new AbortController();
    const process = copying(word);
    const logitsProcessor = (logits: Float32Array, generated: readonly number[]) => {
      process(logits, generated);
      if (generated.length === 45) controller.abort();
    };
    const options = { logitsProcessor, promptLookup: true, signal: controller.signal, maxNewTokens: 200 };
    const { finishReason, tokens } = await ask(model, seedQuestion, options);
    expect([finishReason, tokens.length]).toEqual(["abort", 46]);
    expect((await ask(model, seedQuestion, { maxNewTokens: 32 })).tokens).toEqual(seedQuestion.generated);
    await model.dispose();
  });

  it("refuses wrong settings before any work", async () => {
    const model = await open();
    await expect(ask(model, seedQuestion, { promptLookup: { tokens: 65 } })).rejects.toThrow(/promptLookup\.tokens/);
    expect(model.stats().imageQueries).toBe(0);
    await model.dispose();
  });
});
