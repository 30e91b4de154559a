/** @file The shipped model in a real Chromium, without a server: answers token for token as in Node, and everything else that a model does. */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportWeb, openModelCheckpoint } from "../../src/compile/index.ts";
import { defaultModelFolder, FlashVL } from "../../src/node/index.ts";
import { temporaryFolder } from "../engine/support/models.ts";
import { bundlePage } from "./support/bundle-page.ts";
import { hasChromium, type OpenBrowser, openChromium, openTab } from "./support/open-page.ts";
import { type StaticHost, startHost } from "./support/static-host.ts";

const root = join(import.meta.dirname, "../..");
const folder = temporaryFolder();
const cacheDir = join(folder, "cache");
const QUESTION = "说说图中第一行第二列是什么蔬菜,买一斤多少钱";
const BOARD = join(root, "examples/board.png");
const SCHEMA = {
  type: "object",
  properties: { name: { type: "string", maxLength: 8 }, price: { type: "number" } },
  required: ["name", "price"],
  additionalProperties: false,
};
const PRESETS = ["fp32", "int8"] as const;

/** What Node answers with the same graphs. */
async function inNode(preset: (typeof PRESETS)[number]) {
  await using model = await FlashVL.fromPretrained(undefined, { preset, kernels: "standard", cacheDir });
  const messages = [{ role: "user" as const, content: QUESTION }];
  const { tokens, text } = await model.generate(BOARD, messages);
  const held = await model.generate(BOARD, messages, { schema: SCHEMA, maxNewTokens: 64 });
  return { tokens, text, held: held.text };
}

describe.skipIf(!hasChromium())("the shipped model in Chromium", () => {
  let host: StaticHost;
  let browser: OpenBrowser;
  let page: Page;
  const expected = new Map<string, Awaited<ReturnType<typeof inNode>>>();
  const faults: string[] = [];

  beforeAll(async () => {
    const { checkpoint, config } = await openModelCheckpoint(defaultModelFolder());
    for (const preset of PRESETS)
      await exportWeb(checkpoint, config, join(folder, preset), { preset, cacheDir, devices: ["wasm"] });
    await checkpoint.close();
    for (const preset of PRESETS) expected.set(preset, await inNode(preset));
    await bundlePage(join(folder, "page"));
    host = await startHost({
      "/page/": join(folder, "page"),
      "/fp32/": join(folder, "fp32"),
      "/int8/": join(folder, "int8"),
      "/examples/": join(root, "examples"),
    });
    browser = await openChromium();
    page = await openTab(browser.context, `${host.origin}/`, faults);
  });
  afterAll(async () => {
    await browser?.close();
    await host?.close();
    // The picture that one test asks for in vain.
    expect(faults).toEqual([expect.stringContaining("404")]);
  });

  it.each([
    ["fp32", 1],
    ["fp32", 2],
    ["int8", 1],
    ["int8", 2],
  ] as const)("%s with %i threads answers the demo question token for token as in Node", async (preset, threads) => {
    const answer = await page.evaluate(
      async ([preset, threads, content]) => {
        const progress: { phase: string; done: number; total: number }[] = [];
        const model = await web.FlashVL.fromPretrained(`/${preset}/`, {
          threads,
          onProgress: (at) => progress.push(at),
        });
        const { text, tokens } = await model.generate("/examples/board.png", [{ role: "user", content }]);
        const last = (phase: string) => progress.findLast((at) => at.phase === phase);
        await model.dispose();
        return { text, tokens, info: model.info, download: last("download"), load: last("load") };
      },
      [preset, threads, QUESTION] as const,
    );
    const { text, tokens } = expected.get(preset)!;
    expect(answer).toMatchObject({ text, tokens });
    expect(answer.info).toMatchObject({
      name: "flashvl-tiny",
      preset,
      threads,
      storage: "opfs",
      device: "cpu",
      fallbacks: [],
    });
    expect(answer.download!.done).toBe(answer.download!.total);
    expect(answer.load).toMatchObject({ done: 2, total: 2 });
  });

  describe("one model", () => {
    beforeAll(async () => {
      await page.evaluate(async () => {
        models.one = await web.FlashVL.fromPretrained("fp32/manifest.json");
      });
    });

    it("streams, and the second question finds picture and conversation in the caches", async () => {
      const found = await page.evaluate(async (content) => {
        const model = models.one!;
        const picture = await (await fetch("/examples/board.png")).blob();
        const read = async (messages: { role: "user" | "assistant"; content: string }[]) => {
          const parts: { text: string; token?: number }[] = [];
          let usage: { cachedTokens: number } | undefined;
          for await (const part of model.stream(picture, messages))
            if (part.done) usage = part.result.usage;
            else parts.push(part);
          return { text: parts.map(({ text }) => text).join(""), tokens: parts.map(({ token }) => token), usage };
        };
        const first = await read([{ role: "user", content }]);
        const again = await read([
          { role: "user", content },
          { role: "assistant", content: first.text },
          { role: "user", content: "第二行第一列呢?" },
        ]);
        return { first, again, stats: await model.stats() };
      }, QUESTION);
      const { text, tokens } = expected.get("fp32")!;
      expect(found.first).toMatchObject({ text, tokens });
      expect(found.again.usage!.cachedTokens).toBeGreaterThan(64 + tokens.length - 2);
      expect(found.stats).toMatchObject({ imageQueries: 2, imageHits: 1, running: 0 });
    });

    it("answers four questions at once, each as alone, from pixels, bytes and addresses", async () => {
      const questions = ["第一行第一列?", "第一行第二列?", "第二行第一列?", "第三行第三列?"];
      const { alone, together } = await page.evaluate(async (questions) => {
        const model = models.one!;
        const bytes = new Uint8Array(await (await fetch("/examples/board.png")).arrayBuffer());
        const bitmap = await createImageBitmap(new Blob([bytes]));
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
        context.drawImage(bitmap, 0, 0);
        const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
        const images = ["/examples/board.png", bytes, { data, width, height, channels: 4 as const }, new Blob([bytes])];
        const requests = questions.map((content, i) => ({
          image: images[i]!,
          messages: [{ role: "user" as const, content }],
          options: { maxNewTokens: 12 },
        }));
        const alone: number[][] = [];
        for (const { image, messages, options } of requests)
          alone.push((await model.generate(image, messages, options)).tokens);
        return { alone, together: (await model.generateMany(requests)).map(({ tokens }) => tokens) };
      }, questions);
      expect(together).toEqual(alone);
      expect(new Set(alone.map(String)).size).toBeGreaterThan(1);
    });

    it("holds an answer to a schema as Node does", async () => {
      const text = await page.evaluate(
        ([content, schema]) =>
          models.one!.chat("/examples/board.png", [{ role: "user", content }], { schema, maxNewTokens: 64 }),
        [QUESTION, SCHEMA] as const,
      );
      expect(text).toBe(expected.get("fp32")!.held);
      expect(Object.keys(JSON.parse(text))).toEqual(["name", "price"]);
    });

    it("an answer that is aborted, or whose stream is left, ends and frees its slot", async () => {
      const found = await page.evaluate(async (content) => {
        const model = models.one!;
        const messages = [{ role: "user" as const, content }];
        const stop = new AbortController();
        const endless = { ignoreEndTokens: true, maxNewTokens: 1500 };
        let first = true;
        for await (const part of model.stream(null, messages, endless)) {
          if (!part.done && first) first = false;
          else break;
        }
        const answer = model.generate(null, messages, { ...endless, signal: stop.signal });
        stop.abort(new Error("enough"));
        const { finishReason, tokens } = await answer;
        const reason = await model
          .chat(null, messages, { signal: AbortSignal.abort(new Error("before")) })
          .catch(String);
        return { finishReason, count: tokens.length, reason, stats: await model.stats() };
      }, QUESTION);
      expect(found).toMatchObject({
        finishReason: "abort",
        reason: "Error: before",
        stats: { running: 0, waiting: 0 },
      });
      expect(found.count).toBeLessThan(1500);
    });

    it("says where the decoder looked", async () => {
      const sum = await page.evaluate(async (content) => {
        const { maps, rows, columns } = await models.one!.attention(
          [
            {
              role: "user",
              content: [
                { type: "image", image: "examples/board.png" },
                { type: "text", text: content },
              ],
            },
          ],
          "荷兰豆",
          0,
        );
        return { cells: rows * columns, length: maps[0]!.length };
      }, QUESTION);
      expect(sum).toEqual({ cells: 64, length: 64 });
    });

    it("errors keep name, code and message on their way out of the Worker", async () => {
      const errors = await page.evaluate(async () => {
        const model = models.one!;
        const of = (work: Promise<unknown>) =>
          work.then(
            () => undefined,
            ({ name, code, message, ...rest }) => ({ name, code, message, range: rest instanceof RangeError }),
          );
        const ask = [{ role: "user" as const, content: "?" }];
        return [
          await of(model.generate(null, ask, { temperature: -1 })),
          await of(model.generate(null, ask, { maxTokens: 3 } as object)),
          await of(model.generate("/nothing.png", ask)),
          await of(model.generate(null, [{ role: "user", content: "长".repeat(9000) }])),
          await of(model.generate(null, ask, { schema: { type: "nonsense" } as never })),
          await of(model.generate(null, ask, { logitsProcessor: () => {} })),
          await of(model.generate(null, [])),
        ];
      });
      expect(errors).toMatchObject([
        { name: "RangeError", message: expect.stringContaining("temperature must be a number >= 0") },
        { name: "TypeError", message: expect.stringContaining('Did you mean "maxNewTokens"') },
        { name: "InputError", code: "not-found" },
        { name: "ContextOverflowError", code: "CONTEXT_OVERFLOW" },
        { name: "SchemaError" },
        { name: "TypeError", message: expect.stringContaining("openInThread") },
        { name: "InputError", message: expect.stringContaining("messages is empty") },
      ]);
    });

    it("after dispose every call fails, and nothing waits for ever", async () => {
      const ended = await page.evaluate(async () => {
        const model = models.one!;
        const endless = model.generate(null, [{ role: "user", content: "?" }], {
          ignoreEndTokens: true,
          maxNewTokens: 1500,
        });
        const outcome = endless.then(
          () => "answered",
          (error) => error.code,
        );
        await model.dispose();
        await model.dispose();
        return [await outcome, await model.stats().catch((error) => error.code)];
      });
      expect(ended).toEqual(["DISPOSED", "DISPOSED"]);
    });
  });
});
