/** @file However requests come, go and are cancelled, each that ends gets the answer it gets alone. */
import { expect, it } from "vitest";
import { Random } from "../../src/common/index.ts";
import { expected } from "./support/golden.ts";
import { pictureOf, tinyModels } from "./support/models.ts";

const open = tinyModels();
const LONG = process.env.FLASHVL_LONG === "1";

it("random joins, leaves and aborts change nobody else's answer", async () => {
  const random = new Random(LONG ? undefined : 11);
  const pick = (below: number) => random.below(below);
  const model = await open({ maxBatch: 3, prefillChunk: 10 });
  const alone = await open({ maxBatch: 1 });
  const requests = Array.from({ length: LONG ? 400 : 24 }, (_, i) => {
    const one = expected.cases[pick(expected.cases.length)]!;
    const controller = new AbortController();
    const abortAt = pick(3) === 0 ? pick(8) : undefined;
    const logitsProcessor = (_: Float32Array, generated: readonly number[]) => {
      if (generated.length === abortAt) controller.abort();
    };
    const options = { doSample: i % 2 === 0, temperature: 1.5, seed: i, maxNewTokens: 1 + pick(12) };
    return { one, options, observed: { ...options, logitsProcessor, signal: controller.signal }, turns: pick(30) };
  });
  const results = await Promise.all(
    requests.map(async ({ one, observed, turns }) => {
      // Requests arrive spread over the turns of the event loop.
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      return model.generate(pictureOf(one), one.messages, observed);
    }),
  );
  for (const [i, { one, options }] of requests.entries()) {
    const reference = await alone.generate(pictureOf(one), one.messages, options);
    const { tokens, finishReason } = results[i]!;
    expect(tokens).toEqual(finishReason === "abort" ? reference.tokens.slice(0, tokens.length) : reference.tokens);
  }
  expect(results.filter(({ finishReason }) => finishReason === "abort").length).toBeGreaterThan(0);
  expect(model.stats()).toMatchObject({ running: 0, waiting: 0 });
});

it("answers held to a schema parse, beside answers that are free", async () => {
  const model = await open();
  const one = expected.cases[0]!;
  const schema = {
    type: "object",
    properties: { price: { type: "integer", minimum: 0, maximum: 99 } },
    required: ["price"],
  };
  const [held, free] = await Promise.all([
    model.generate(pictureOf(one), one.messages, {
      schema: { ...schema, additionalProperties: false },
      maxNewTokens: 60,
    }),
    model.generate(pictureOf(one), one.messages, { maxNewTokens: 32 }),
  ]);
  expect(JSON.parse(held.text)).toEqual({ price: expect.any(Number) });
  expect(held.finishReason).toBe("stop");
  expect(free.tokens).toEqual(one.generated);
});

it("keeps memory flat while models are opened and disposed", async () => {
  const once = async () => {
    const model = await open();
    await model.generate(null, expected.cases[3]!.messages, { maxNewTokens: 2 });
    await model.dispose();
  };
  for (let i = 0; i < 5; i++) await once();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 12; i++) await once();
  // A model that stays behind holds two sessions with 4 MB of weights, 1 MB of cache and its tokenizer.
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(80);
});
