/** @file FlashVL answers as PyTorch does, whatever else it is doing. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { deriveSeed } from "../../src/common/index.ts";
import { openModelCheckpoint } from "../../src/compile/index.ts";
import {
  ContextOverflowError,
  type GenerateResult,
  type ManyRequest,
  type RolloutGroup,
  type StreamPart,
} from "../../src/engine/index.ts";
import { defaultModelFolder, FlashVL, type OpenProgress } from "../../src/node/index.ts";
import { buildPrompt, loadImage, type Message } from "../../src/processor/index.ts";
import { kernelLibraryPath, nativeRuntime } from "../../src/runtime/ort/index.ts";
import { FakeHub } from "../hub/fake-hub.ts";
import { expected, GOLDEN, type GoldenCase } from "./support/golden.ts";
import { pictureOf, temporaryFolder, tinyModels } from "./support/models.ts";
import { noGpu } from "./support/no-gpu.ts";

const open = tinyModels();
const ask = (model: FlashVL, one: GoldenCase, options = {}): Promise<GenerateResult> =>
  model.generate(pictureOf(one), one.messages, { maxNewTokens: one.generated.length, ...options });
const byName = (name: string): GoldenCase => expected.cases.find((one) => one.name === name)!;
const seedQuestion = byName("seed_question");

describe("greedy answers", () => {
  it("equal PyTorch's token for token, one after the other and all at once", async () => {
    const model = await open();
    for (const one of expected.cases) {
      const { tokens, text, finishReason, usage } = await ask(model, one);
      expect(tokens).toEqual(one.generated);
      expect(text).toBe(one.text);
      expect(finishReason).toBe("length");
      expect(usage.promptTokens).toBe(one.prompt_ids.length);
      expect(usage.imageTokens).toBe(one.image ? 16 : 0);
    }
    const together = await Promise.all(expected.cases.map((one) => ask(model, one)));
    expect(together.map(({ tokens }) => tokens)).toEqual(expected.cases.map((one) => one.generated));
  });

  it.each([1, 7, 16])("do not depend on the prefill chunk (%i tokens)", async (prefillChunk) => {
    const model = await open({ prefillChunk });
    for (const one of expected.cases) expect((await ask(model, one)).tokens).toEqual(one.generated);
    await model.dispose();
  });

  it("are the same with live weights, with either attention, and with a batch of one", async () => {
    const live = { weights: "live" as const };
    const native = kernelLibraryPath() ? [{ ...live, kernels: "native" as const }] : [];
    for (const options of [live, ...native, { maxBatch: 1 }]) {
      const model = await open(options);
      const together = await Promise.all(expected.cases.map((one) => ask(model, one)));
      expect(together.map(({ tokens }) => tokens)).toEqual(expected.cases.map((one) => one.generated));
      await model.dispose();
    }
  });

  it("survive the growth of the KV cache", async () => {
    const long = { ...seedQuestion, generated: { length: 700 } as unknown as number[] };
    const [small, large] = [await open(), await open({ maxBatch: 1 })];
    const first = await ask(small, long, { logitBias: { 482: -1e9, 480: -1e9 } });
    const again = await ask(large, long, { logitBias: { 482: -1e9, 480: -1e9 } });
    expect(first.tokens).toHaveLength(700);
    expect(first.tokens.slice(0, 32)).toEqual(seedQuestion.generated);
    expect(again.tokens).toEqual(first.tokens);
    await Promise.all([small.dispose(), large.dispose()]);
  });

  it("take no new KV memory per token behind the prompt", async () => {
    const model = await open();
    const bytes: number[] = [];
    const logitBias = { 482: -1e9, 480: -1e9 };
    const answer = model.stream(pictureOf(seedQuestion), seedQuestion.messages, { maxNewTokens: 100, logitBias });
    for await (const part of answer) if (!part.done) bytes.push(model.stats().kvBytes);
    expect(bytes).toHaveLength(100);
    expect(bytes[0]).toBeGreaterThan(0);
    expect(new Set(bytes).size).toBe(1);
    await model.dispose();
  });

  it("end with the end token, which is counted and not shown", async () => {
    const model = await open();
    const { text, tokens, finishReason } = await ask(model, seedQuestion, { logitBias: { 482: 1e9 } });
    expect({ text, tokens, finishReason }).toEqual({ text: "", tokens: [482], finishReason: "stop" });
    await model.dispose();
  });

  it("follow the system prompt, and there may be none", async () => {
    const model = await open();
    const { messages } = byName("text_only");
    const { windowTokens: imageTokens } = model.config;
    const prompts = [undefined, "Answer in one word.", null];
    const results = [];
    for (const systemPrompt of prompts) {
      const result = await model.generate(null, messages, { systemPrompt, maxNewTokens: 1, logprobs: true });
      const { ids } = buildPrompt(model.tokenizer, messages, { imageTokens, systemPrompt });
      expect(result.usage.promptTokens).toBe(ids.length);
      results.push(result);
    }
    expect(new Set(results.map(({ usage }) => usage.promptTokens)).size).toBe(3);
    expect(new Set(results.map(({ logprobs }) => logprobs![0])).size).toBe(3);
    await model.dispose();
  });

  it("say what they took", async () => {
    const model = await open();
    for (const one of [seedQuestion, byName("text_only")]) {
      const { timings, tokens } = await ask(model, one);
      for (const [name, ms] of Object.entries(timings)) {
        expect(ms, name).toBeGreaterThanOrEqual(0);
        expect(ms, name).toBeLessThan(Number.POSITIVE_INFINITY);
      }
      expect(timings.imageMs > 0).toBe(one.image !== null);
      expect(timings.prefillMs).toBeGreaterThan(0);
      // The parts and the whole come from the same moments, but each difference is rounded for itself.
      expect(timings.timeToFirstTokenMs).toBeGreaterThanOrEqual(timings.imageMs + timings.prefillMs - 1e-6);
      expect(timings.perTokenMs * (tokens.length - 1)).toBeCloseTo(timings.decodeMs, 6);
      expect(timings.totalMs).toBeGreaterThanOrEqual(timings.timeToFirstTokenMs + timings.decodeMs - 1e-6);
    }
    await model.dispose();
  });
});

describe("several pictures", () => {
  it("stand each at its own place", async () => {
    const model = await open();
    const [a, b] = [pictureOf(seedQuestion)!, pictureOf(byName("english"))!];
    /** Log-probability of one and the same first token. */
    const first = async (...pictures: [string, string]): Promise<number> => {
      const content = pictures.flatMap((image) => [
        { type: "image" as const, image },
        { type: "text" as const, text: "?" },
      ]);
      const messages: Message[] = [{ role: "user", content }];
      const { logprobs, usage } = await model.generate(null, messages, {
        maxNewTokens: 1,
        logitBias: { 5: 1e9 },
        logprobs: true,
      });
      expect(usage.imageTokens).toBe(2 * model.config.windowTokens);
      return logprobs![0]!;
    };
    const orders = [await first(a, b), await first(b, a), await first(a, a), await first(b, b)];
    expect(new Set(orders.map((logprob) => logprob.toFixed(3))).size).toBe(4);
    expect(await first(a, b)).toBeCloseTo(orders[0]!, 5);
    await model.dispose();
  });
});

describe("caches", () => {
  it("know a picture by its content, however it is given", async () => {
    const model = await open();
    const path = pictureOf(seedQuestion)!;
    const { data, width, height } = await loadImage(path);
    for (const image of [path, readFileSync(path), { data, width, height, channels: 3 as const }]) {
      const { tokens } = await model.generate(image, seedQuestion.messages, { maxNewTokens: 8 });
      expect(tokens).toEqual(seedQuestion.generated.slice(0, 8));
    }
    expect(model.stats()).toMatchObject({ imageQueries: 3, imageHits: 2 });
    await model.dispose();
  });

  it("let a second turn about the same picture run neither the tower nor the old prefix", async () => {
    const model = await open();
    const first = await ask(model, seedQuestion);
    const messages = [
      ...seedQuestion.messages,
      { role: "assistant" as const, content: first.text },
      { role: "user" as const, content: "How much is it?" },
    ];
    const second = await model.generate(pictureOf(seedQuestion), messages, { maxNewTokens: 20 });
    expect(second.usage.cachedTokens).toBeGreaterThanOrEqual(seedQuestion.prompt_ids.length);
    expect(model.stats()).toMatchObject({ imageQueries: 2, imageHits: 1, prefixQueries: 2, prefixHits: 1 });
    const fresh = await open();
    const alone = await fresh.generate(pictureOf(seedQuestion), messages, { maxNewTokens: 20 });
    expect(alone.usage.cachedTokens).toBe(0);
    expect(second.tokens).toEqual(alone.tokens);
    await Promise.all([model.dispose(), fresh.dispose()]);
  });

  it("never take one picture's keys and values for another's", async () => {
    const model = await open({ maxBatch: 1 });
    const other = byName("english");
    const [a, b] = [pictureOf(seedQuestion), pictureOf(other)];
    const first = await model.generate(a, other.messages, { maxNewTokens: 8 });
    const second = await model.generate(b, other.messages, { maxNewTokens: 8 });
    // System turn and the opening of the user's turn are equal; the first image slot is not.
    expect(second.usage.cachedTokens).toBe(14);
    expect(second.tokens).toEqual(other.generated.slice(0, 8));
    expect(first.tokens).not.toEqual(second.tokens);
    await model.dispose();
  });
});

describe("an open model", () => {
  it("is released at the end of its block by `await using`, and by dispose() just so, as often as it is called", async () => {
    const { messages } = byName("text_only");
    let kept: FlashVL;
    {
      await using model = await open();
      kept = model;
      expect(await model.chat(null, messages, { maxNewTokens: 1 })).toEqual(expect.any(String));
    }
    await expect(kept.chat(null, messages)).rejects.toMatchObject({ code: "DISPOSED" });
    await kept.dispose();
    const other = await open();
    await Promise.all([other.dispose(), other.dispose(), other[Symbol.asyncDispose]()]);
    await expect(other.chat(null, messages)).rejects.toMatchObject({ code: "DISPOSED" });
  });
});

describe("batches", () => {
  const requests = Array.from({ length: 12 }, (_, i) => {
    const one = expected.cases[i % expected.cases.length]!;
    const options = { doSample: true, temperature: 1.2, seed: i, maxNewTokens: 5 + ((i * 7) % 20), logprobs: true };
    return { image: pictureOf(one), messages: one.messages, options };
  });

  it("give every request what it gets alone, however others join and leave", async () => {
    const model = await open({ maxBatch: 4 });
    const together = await model.generateMany(requests);
    const single = await open({ maxBatch: 1, prefillChunk: 512 });
    for (const [i, { image, messages, options }] of requests.entries()) {
      const alone = await single.generate(image, messages, options);
      expect(together[i]!.tokens).toEqual(alone.tokens);
      alone.logprobs!.forEach((logprob, t) => {
        expect(together[i]!.logprobs![t]).toBeCloseTo(logprob, 4);
      });
    }
    await Promise.all([model.dispose(), single.dispose()]);
  });

  it("share one prompt among rollouts and keep log-probabilities under the sampling temperature", async () => {
    const model = await open({ maxBatch: 4 });
    const options = { temperature: 0.8, seed: 100, maxNewTokens: 12 };
    const group = await model.rollouts(pictureOf(seedQuestion), seedQuestion.messages, 6, options);
    const prompt = seedQuestion.prompt_ids.length;
    expect(group.map(({ usage }) => usage.cachedTokens)).toEqual([0, ...new Array(5).fill(prompt - 1)]);
    expect(model.stats()).toMatchObject({ imageQueries: 1, prefixQueries: 6 });
    expect(new Set(group.map(({ tokens }) => tokens.join())).size).toBeGreaterThan(1);
    for (const [i, sample] of group.entries()) {
      const alone = await model.generate(pictureOf(seedQuestion), seedQuestion.messages, {
        ...options,
        doSample: true,
        seed: deriveSeed(100, i),
        logprobs: true,
        logprobTemperature: 0.8,
      });
      expect(alone.tokens).toEqual(sample.tokens);
      expect(alone.logprobs![0]).toBeCloseTo(sample.logprobs![0]!, 4);
    }
    await model.dispose();
  });

  it("roll out several prompts together as one by one, and again to the last bit", async () => {
    const requests = ["text_only", "seed_question"].map((name) => ({
      image: pictureOf(byName(name)),
      messages: byName(name).messages,
      options: { temperature: 0.8, seed: 7, maxNewTokens: 12 },
    }));
    const model = await open({ maxBatch: 5 });
    const groups = await model.rolloutMany(requests, 3);
    expect(groups.map(({ answers }) => answers.length)).toEqual([3, 3]);
    for (const [i, { image, messages, options }] of requests.entries())
      expect((await model.rollouts(image, messages, 3, options)).map(({ tokens }) => tokens)).toEqual(
        groups[i]!.answers.map(({ tokens }) => tokens),
      );
    const fresh = await open({ maxBatch: 5 });
    const again = await fresh.rolloutMany(requests, 3);
    const logprobsOf = (all: readonly RolloutGroup[]) =>
      all.flatMap(({ answers }) => answers.map((one) => one.logprobs));
    expect(logprobsOf(again)).toEqual(logprobsOf(groups));
    for (const [i, { promptIds, pictures, pictureTokens }] of groups.entries()) {
      expect(promptIds).toEqual(byName(["text_only", "seed_question"][i]!).prompt_ids);
      expect(pictureTokens.map(({ length }) => length)).toEqual(pictures.map(({ plan }) => plan.tokens * 64));
    }
    await Promise.all([model.dispose(), fresh.dispose()]);
  });

  it("draw at a temperature above 0, as on the command line, and refuse options that do not exist", async () => {
    const model = await open({ maxBatch: 2 });
    const drawn = new Set<string>();
    for (let seed = 0; seed < 8; seed++)
      drawn.add((await ask(model, seedQuestion, { temperature: 1.5, seed, maxNewTokens: 6 })).text);
    expect(drawn.size).toBeGreaterThan(1);
    const wrong = { max_new_tokens: 5 } as object;
    const advice = 'There is no option "max_new_tokens". Did you mean "maxNewTokens"?';
    const { messages } = seedQuestion;
    await expect(model.chat(null, messages, wrong)).rejects.toThrow(advice);
    await expect(model.stream(null, messages, wrong).next()).rejects.toThrow(advice);
    await expect(model.rollouts(null, messages, 2, wrong)).rejects.toThrow(advice);
    await expect(model.generateMany([{ image: null, messages, maxNewTokens: 5 } as ManyRequest])).rejects.toThrow(
      'There is no key of a request "maxNewTokens". Expected one of image, messages, options.',
    );
    await expect(open({ max_batch: 2 } as object)).rejects.toThrow(
      'There is no option "max_batch". Did you mean "maxBatch"?',
    );
    await model.dispose();
  });

  it("settle each for itself where one that fails must not cost the others", async () => {
    const model = await open({ maxBatch: 2 });
    const good = { image: null, messages: byName("text_only").messages, options: { maxNewTokens: 4 } };
    const bad = { ...good, options: { temperature: -1 } };
    const [first, second, third] = await model.generateManySettled([good, bad, good]);
    expect(second).toMatchObject({ status: "rejected", reason: { name: "RangeError" } });
    const [alone] = await model.generateMany([good]);
    for (const one of [first, third])
      expect(one).toMatchObject({ status: "fulfilled", value: { tokens: alone!.tokens } });
    const stopped = await model.generateManySettled([good, good], { signal: AbortSignal.abort() });
    for (const one of stopped) expect(one).toMatchObject({ status: "fulfilled", value: { finishReason: "abort" } });
    await expect(model.generateMany([good, bad, good])).rejects.toThrow(RangeError);
    await expect(model.generateManySettled([{ ...good, seed: 1 } as ManyRequest])).rejects.toThrow(/no key .*"seed"/);
    await model.dispose();
  });

  it("refuse requests beyond the queue's limit and serve the others", async () => {
    const model = await open({ maxBatch: 1, maxQueue: 1 });
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => ask(model, byName("text_only"))));
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused.length).toBe(2);
    expect(refused[0]!.reason).toMatchObject({ name: "QueueFullError", code: "QUEUE_FULL" });
    await model.dispose();
  });
});

describe("streams", () => {
  const collect = async (stream: AsyncIterable<StreamPart>): Promise<StreamPart[]> => {
    const parts: StreamPart[] = [];
    for await (const part of stream) parts.push(part);
    return parts;
  };

  it("give the same text in parts, each a whole number of characters, and the result last", async () => {
    const model = await open();
    const parts = await collect(model.stream(pictureOf(seedQuestion), seedQuestion.messages, { maxNewTokens: 32 }));
    const last = parts.at(-1)!;
    expect(last.done && last.result.text).toBe(seedQuestion.text);
    expect(parts.map((part) => part.text).join("")).toBe(seedQuestion.text);
    expect(parts.flatMap((part) => (part.done || part.token === undefined ? [] : [part.token]))).toEqual(
      seedQuestion.generated,
    );
    await model.dispose();
  });

  it("end before a stop string, also one that spans tokens", async () => {
    const model = await open();
    const [start, end] = [8, 11];
    const stop = [...seedQuestion.text].slice(start, end).join("");
    const parts = await collect(
      model.stream(pictureOf(seedQuestion), seedQuestion.messages, { stop: ["no such", stop] }),
    );
    const last = parts.at(-1)!;
    const before = seedQuestion.text.slice(0, seedQuestion.text.indexOf(stop));
    expect(last.done && last.result).toMatchObject({ text: before, finishReason: "stop" });
    expect(parts.map((part) => part.text).join("")).toBe(before);
    await model.dispose();
  });

  it("report log-probabilities and alternatives of each token", async () => {
    const model = await open();
    const options = { maxNewTokens: 4, topLogprobs: 3 };
    const { logprobs, topLogprobs, tokens } = await model.generate(null, byName("text_only").messages, options);
    expect(logprobs).toHaveLength(4);
    topLogprobs!.forEach((top, i) => {
      expect(top).toHaveLength(3);
      expect(top[0]).toEqual({ token: tokens[i], logprob: logprobs![i] });
    });
    await model.dispose();
  });

  it("are cancelled by leaving the loop, which frees the slot", async () => {
    const model = await open({ maxBatch: 1 });
    let seen = 0;
    for await (const _ of model.stream(pictureOf(seedQuestion), seedQuestion.messages, { maxNewTokens: 5000 })) {
      if (++seen === 3) break;
    }
    expect((await ask(model, byName("text_only"))).tokens).toEqual(byName("text_only").generated);
    expect(model.stats()).toMatchObject({ running: 0, waiting: 0 });
    await model.dispose();
  });
});

describe("aborting", () => {
  it("ends an answer with what there is, and chat with the signal's reason", async () => {
    const model = await open();
    const reason = new Error("enough");
    const stopAfter = (tokens: number) => {
      const controller = new AbortController();
      const logitsProcessor = (_: Float32Array, generated: readonly number[]) => {
        if (generated.length === tokens) controller.abort(reason);
      };
      return { signal: controller.signal, logitsProcessor, maxNewTokens: 5000 };
    };
    const { tokens, finishReason, text } = await ask(model, seedQuestion, stopAfter(5));
    expect(finishReason).toBe("abort");
    expect(tokens.length).toBeGreaterThanOrEqual(5);
    expect(tokens.length).toBeLessThan(10);
    expect(seedQuestion.text.startsWith(text.replace(/\uFFFD+$/, ""))).toBe(true);
    await expect(model.chat(null, byName("text_only").messages, stopAfter(2))).rejects.toBe(reason);
    const done = AbortSignal.abort(reason);
    expect(await ask(model, seedQuestion, { signal: done })).toMatchObject({ finishReason: "abort", tokens: [] });
    expect((await ask(model, seedQuestion)).tokens).toEqual(seedQuestion.generated);
    await model.dispose();
  });

  it("of one request leaves its neighbours and the queue alone", async () => {
    const model = await open({ maxBatch: 2 });
    const controller = new AbortController();
    const running = ask(model, seedQuestion, { maxNewTokens: 5000, signal: controller.signal });
    const others = Promise.all(expected.cases.map((one) => ask(model, one)));
    const waiting = ask(model, byName("english"), { signal: controller.signal });
    for await (const _ of model.stream(null, byName("text_only").messages, { maxNewTokens: 3 }));
    controller.abort();
    expect((await running).finishReason).toBe("abort");
    expect(["abort", "length"]).toContain((await waiting).finishReason);
    expect((await others).map(({ tokens }) => tokens)).toEqual(expected.cases.map((one) => one.generated));
    await model.dispose();
  });

  it("is what an exception in a logits processor does to its own request only", async () => {
    const model = await open();
    const broken = ask(model, seedQuestion, {
      logitsProcessor: () => {
        throw new Error("broken grammar");
      },
    });
    const fine = ask(model, byName("english"));
    await expect(broken).rejects.toThrow("broken grammar");
    expect((await fine).tokens).toEqual(byName("english").generated);
    await model.dispose();
  });
});

describe("refusals, before any work", () => {
  it("name what does not fit the context", async () => {
    const model = await open({ maxContext: 60 });
    const { messages } = byName("english");
    await expect(model.generate(pictureOf(byName("english")), messages, { maxNewTokens: 9 })).rejects.toThrow(
      /prompt has 52 tokens \(1 pictures of 16\).*may take 9; the context holds 60/,
    );
    await expect(model.generate(pictureOf(seedQuestion), byName("multi_turn").messages)).rejects.toBeInstanceOf(
      ContextOverflowError,
    );
    // The default limit gives way to the context, and the last token fits.
    const { tokens, finishReason } = await model.generate(pictureOf(byName("english")), messages);
    expect(tokens).toEqual(byName("english").generated.slice(0, 8));
    expect(finishReason).toBe("length");
    expect(model.stats().imageQueries).toBe(1);
    await model.dispose();
  });

  it("name options and messages that are wrong", async () => {
    const model = await open();
    const { messages } = seedQuestion;
    await expect(model.chat(null, messages, { maxNewTokens: 0 })).rejects.toThrow(/maxNewTokens must be/);
    await expect(model.chat(null, messages, { stop: [""] })).rejects.toThrow(/stop strings/);
    await expect(model.chat(null, messages, { topLogprobs: 21 })).rejects.toThrow(/topLogprobs must be/);
    await expect(model.chat(null, messages, { logitBias: { 496: 1 } })).rejects.toThrow(/names token 496/);
    await expect(model.chat(null, [])).rejects.toThrow(/messages is empty/);
    await expect(open({ maxBatch: 0 })).rejects.toThrow(/maxBatch must be a whole number from 1/);
    await expect(open({ maxContext: 40_000 })).rejects.toThrow(/maxContext must be/);
    await expect(open({ preset: "fp7" as "fp32" })).rejects.toThrow(/no preset "fp7"; expected "fp32"/);
    await expect(FlashVL.fromPretrained(`${GOLDEN}images`)).rejects.toThrow(/config\.json/);
    await model.dispose();
  });
});

it.runIf(noGpu)("a device that is not there is refused before anything is compiled for it", async () => {
  const cacheDir = temporaryFolder();
  for (const device of ["cuda", "webgpu"] as const)
    await expect(open({ device, cacheDir })).rejects.toMatchObject({ name: "RuntimeError", code: "no-device" });
  expect(readdirSync(cacheDir)).toEqual([]);
});

describe("lives of models", () => {
  it("several at once work independently and release what they hold", async () => {
    const models = await Promise.all([open(), open(), open({ weights: "live" })]);
    const answers = await Promise.all(models.map((model) => ask(model, seedQuestion)));
    for (const { tokens } of answers) expect(tokens).toEqual(seedQuestion.generated);
    await models[0]!.dispose();
    expect((await ask(models[1]!, byName("english"))).tokens).toEqual(byName("english").generated);
    await Promise.all(models.map((model) => model.dispose()));
  });

  it("end running requests when they are disposed, and say so afterwards", async () => {
    const model = await open({ maxBatch: 1 });
    const running = ask(model, seedQuestion, { maxNewTokens: 5000 });
    const waiting = ask(model, byName("english"));
    const both = Promise.allSettled([running, waiting]);
    for await (const _ of [1, 2, 3]) await new Promise((resolve) => setImmediate(resolve));
    await model.dispose();
    await model.dispose();
    for (const result of await both) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { message: "This model is disposed.", code: "DISPOSED" },
      });
    }
    await expect(ask(model, seedQuestion)).rejects.toThrow("This model is disposed.");
    await expect(model.chat(null, byName("text_only").messages)).rejects.toThrow("This model is disposed.");
    await expect(model.stream(null, byName("text_only").messages).next()).rejects.toThrow("This model is disposed.");
  });
});

describe("opening", () => {
  it("runs its graphs over the runtime that is handed in", async () => {
    const createSession = vi.fn(nativeRuntime().createSession);
    const model = await open({ runtime: { ...nativeRuntime(), version: "another", createSession } });
    expect((await ask(model, seedQuestion)).tokens).toEqual(seedQuestion.generated);
    expect(model.info.runtime).toBe("another");
    expect(createSession).toHaveBeenCalledTimes(2);
    await model.dispose();
  });

  it("takes over a checkpoint that is open: it is closed with the model, and when loading fails", async () => {
    const opened = async () => {
      const model = await openModelCheckpoint(GOLDEN);
      return { model, close: vi.spyOn(model.checkpoint, "close") };
    };
    const good = await opened();
    const cacheDir = temporaryFolder();
    const model = await FlashVL.fromCheckpoint(good.model, { cacheDir, threads: 1 });
    expect((await ask(model, seedQuestion)).tokens).toEqual(seedQuestion.generated);
    expect(good.close).not.toHaveBeenCalled();
    await model.dispose();
    expect(good.close).toHaveBeenCalledOnce();
    const bad = await opened();
    await expect(FlashVL.fromCheckpoint(bad.model, { cacheDir, maxBatch: 0 })).rejects.toThrow(/maxBatch must be/);
    expect(bad.close).toHaveBeenCalledOnce();
  });

  const cacheDir = temporaryFolder();

  it("without a name takes the checkpoint that ships with the package", async () => {
    await using model = await FlashVL.fromPretrained(undefined, { cacheDir, threads: 1 });
    expect(model.info.folder).toBe(defaultModelFolder());
    const board = join(import.meta.dirname, "../../examples/board.png");
    const question = { role: "user" as const, content: "第一行第二列是什么" };
    expect((await model.chat(board, [question], { maxNewTokens: 8 })).trim()).not.toBe("");
  });

  it("by a name on the hub downloads, compiles and loads, and says how far it is", async () => {
    const names = readdirSync(GOLDEN).filter((name) => /config|token|^model/.test(name));
    const files = names.map(
      (name) => [name, { content: readFileSync(join(GOLDEN, name)), large: /^model/.test(name) }] as const,
    );
    const hub = await new FakeHub(new Map(files)).start();
    for (const name of ["HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"]) vi.stubEnv(name, "");
    vi.stubEnv("HF_ENDPOINT", hub.endpoint);
    vi.stubEnv("HF_HOME", temporaryFolder());
    try {
      const seen: OpenProgress[] = [];
      const onProgress = (progress: OpenProgress) => seen.push(progress);
      await using model = await FlashVL.fromPretrained("org/model", { cacheDir, threads: 1, onProgress });
      expect((await ask(model, seedQuestion)).tokens).toEqual(seedQuestion.generated);
      expect(model.info.name).toBe("org/model");
      const phases = seen.map(({ phase }) => phase).filter((phase, i, all) => phase !== all[i - 1]);
      expect(phases).toEqual(["download", "compile", "load"]);
      for (const phase of phases) {
        const { done, total } = seen.filter((one) => one.phase === phase).at(-1)!;
        expect(total, phase).toBeGreaterThan(0);
        expect(done, phase).toBe(total);
      }
    } finally {
      vi.unstubAllEnvs();
      await hub.stop();
    }
  });
});

describe("live weights", () => {
  it("change the answer when the caller's numbers change, and what was cached is forgotten", async () => {
    const model = await open({ weights: "live" });
    expect((await ask(model, seedQuestion)).tokens).toEqual(seedQuestion.generated);
    const head = model.weight("llm.lm_head.weight");
    const before = head.slice();
    const norm = model.weight("llm.model.norm.weight");
    norm.fill(0);
    await model.updateWeights();
    // All logits are zero now: greedy takes the first token.
    expect((await ask(model, seedQuestion, { maxNewTokens: 3 })).tokens).toEqual([0, 0, 0]);
    expect((await ask(model, seedQuestion, { maxNewTokens: 3 })).usage.cachedTokens).toBeGreaterThan(0);
    norm.fill(1);
    const own = new Float32Array(before.length);
    own.set(before);
    own.copyWithin(0, 64 * 7, 64 * 8);
    await model.updateWeights(new Map([["llm.lm_head.weight", own]]));
    expect((await ask(model, seedQuestion, { maxNewTokens: 1 })).usage.cachedTokens).toBe(0);
    expect(model.weight("llm.lm_head.weight")).toHaveLength(own.length);
    await expect(model.updateWeights(new Map([["llm.lm_head.weight", own.subarray(1)]]))).rejects.toThrow(
      /has 31743 numbers; the model needs \[496, 64\]/,
    );
    await model.dispose();
    const compiled = await open();
    await expect(compiled.updateWeights()).rejects.toThrow(/weights are compiled; open it with weights: "live"/);
    await compiled.dispose();
  });
});
