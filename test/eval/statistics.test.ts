/** @file Intervals, paired tests and the comparison of runs; the judge's retries, cache, counts and cost; endpoints and our own server as models. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { retryDelay } from "../../src/eval/http-retry.ts";
import {
  bootstrapInterval,
  comparePaired,
  compareRuns,
  evaluate,
  Judge,
  type JudgeEstimate,
  mcnemarExact,
  openAiAnswerer,
  openBench,
} from "../../src/eval/index.ts";
import { percentileInterval } from "../../src/eval/stats/bootstrap.ts";
import { DEFAULT_RULES } from "../../src/vlmeval/index.ts";
import { FakeModel } from "../serve/fake-model.ts";
import { gate, start } from "../serve/start.ts";
import {
  chatEndpoint,
  pngBase64,
  promptOf,
  QUICK_RETRY,
  scriptedAnswerer,
  temporaryFolder,
  writeTsv,
} from "./fixtures.ts";

const unitsOf = (values: readonly number[]) => values.map((value, at) => ({ id: String(at), value }));

describe("the bootstrap interval", () => {
  it("of a share lies where the normal approximation says, and is the same for the same seed", () => {
    const units = unitsOf(Array.from({ length: 400 }, (_, at) => (at % 4 === 0 ? 1 : 0)));
    const found = bootstrapInterval({ combine: "mean", units })!;
    const spread = 196 * Math.sqrt((0.25 * 0.75) / 400);
    expect(found.low).toBeGreaterThan(25 - spread - 1);
    expect(found.low).toBeLessThan(25 - spread + 1);
    expect(found.high).toBeGreaterThan(25 + spread - 1);
    expect(found.high).toBeLessThan(25 + spread + 1);
    expect(bootstrapInterval({ combine: "mean", units })).toEqual(found);
    const graded = {
      combine: "mean" as const,
      units: unitsOf(Array.from({ length: 50 }, (_, at) => Math.sqrt(at) / 7)),
    };
    expect(bootstrapInterval(graded, { seed: 2 })).not.toEqual(bootstrapInterval(graded, { seed: 1 }));
  });

  it("is the middle 95 % of the resampled values", () => {
    const values = Array.from({ length: 1001 }, (_, at) => (at * 8) % 1001);
    expect(percentileInterval(values)).toEqual({ low: 25, high: 975 });
  });

  it("has no width where all units agree, and does not exist without units", () => {
    expect(bootstrapInterval({ combine: "sum", units: unitsOf([1, 1, 1]) })).toEqual({ low: 3, high: 3 });
    expect(bootstrapInterval({ combine: "mean", units: [] })).toBeNull();
  });
});

describe("the test of graded credit", () => {
  it("counts the choices of signs that are as uneven: three differences of one sign are 2 of 8", () => {
    const [low, high] = [0, 1].map((more) => new Map(["a", "b", "c"].map((id) => [id, 0.25 + more / 2])));
    const found = comparePaired(low!, high!);
    expect(found).toMatchObject({
      test: "sign flips",
      first: 25,
      second: 75,
      difference: 50,
      onlyFirst: 0,
      onlySecond: 3,
    });
    expect(found.p).toBeCloseTo(0.25, 1);
    expect(found.interval).toEqual({ low: 50, high: 50 });
    expect(comparePaired(low!, low!)).toMatchObject({ difference: 0, p: 1 });
  });
});

describe("McNemar's exact test", () => {
  it("gives binomial tails", () => {
    expect(mcnemarExact(10, 0)).toBeCloseTo(2 / 1024, 12);
    expect(mcnemarExact(5, 3)).toBeCloseTo((2 * (1 + 8 + 28 + 56)) / 256, 12);
    expect(mcnemarExact(4, 4)).toBe(1);
    expect(mcnemarExact(0, 0)).toBe(1);
    expect(mcnemarExact(3000, 2500)).toBeLessThan(1e-9);
  });

  it("is used for right or wrong, sign flips for graded credit", () => {
    const first = new Map(Array.from({ length: 40 }, (_, at): [string, number] => [String(at), at < 30 ? 1 : 0]));
    const second = new Map(Array.from({ length: 40 }, (_, at): [string, number] => [String(at), at < 20 ? 1 : 0]));
    const exact = comparePaired(first, second);
    expect([exact.test, exact.difference, exact.onlyFirst, exact.onlySecond]).toEqual(["McNemar, exact", -25, 10, 0]);
    expect(exact.p).toBeCloseTo(2 / 1024, 12);
    const graded = comparePaired(new Map([...first].map(([id, value]) => [id, value * 0.9])), second);
    expect(graded.test).toBe("sign flips");
    expect(() => comparePaired(first, new Map([["x", 1]]))).toThrow(/no row in common/);
  });
});

describe("two runs", () => {
  it("are compared metric by metric", async () => {
    const folder = temporaryFolder();
    const image = await pngBase64();
    writeTsv(
      join(folder, "Custom.tsv"),
      Array.from({ length: 12 }, (_, index) => ({ index, image, question: "Q", A: "one", B: "two", answer: "A" })),
    );
    for (const [name, wrong] of [
      ["good", 0],
      ["poor", 8],
    ] as const) {
      const { bench, dataMd5, close } = await openBench("Custom", { dataFolder: folder, offline: true });
      const replies = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [index, index < wrong ? "B" : "A"]));
      await evaluate(bench, scriptedAnswerer(replies, "", name), {
        out: folder,
        dataMd5,
        rules: DEFAULT_RULES,
        judge: null,
        html: false,
      });
      close();
    }
    const [found] = compareRuns(join(folder, "good"), join(folder, "poor"));
    expect(found).toMatchObject({ dataset: "Custom", metric: "Overall", units: 12, onlyFirst: 8, onlySecond: 0 });
    expect(found!.p).toBeCloseTo(2 / 256, 12);
    expect(() => compareRuns(folder, join(folder, "good"))).toThrow(/holds no scored run/);
  });
});

describe("the judge", () => {
  const question = { kind: "judge" as const, prompt: "Q", maxTokens: 8, attempt: 1 };

  it("retries what may pass, asks a question once, and remembers replies over restarts", async () => {
    const cachePath = join(temporaryFolder(), "replies.jsonl");
    const { baseUrl, requests } = await chatEndpoint((_, count) => (count === 1 ? 503 : count === 2 ? 429 : "B"));
    const judge = new Judge({ baseUrl, model: "j", cachePath, policy: QUICK_RETRY });
    expect(await Promise.all([judge.ask(question), judge.ask(question)])).toEqual(["B", "B"]);
    expect(requests).toHaveLength(3);
    expect(requests[2]!.temperature).toBe(0.5);
    expect(judge.counts).toMatchObject({ asked: 1, failed: 0, promptTokens: 10, completionTokens: 2 });
    const again = new Judge({ baseUrl, model: "j", cachePath, policy: QUICK_RETRY });
    expect(await again.ask(question)).toBe("B");
    expect(again.counts).toMatchObject({ asked: 0, cached: 1 });
    expect(existsSync(cachePath)).toBe(true);
  });

  it("waits twice as long each time, or as many seconds as the server asks for, and never beyond a minute", () => {
    const policy = { retries: 9, firstDelayMs: 500, timeoutMs: 1 };
    expect([0, 1, 2, 9].map((attempt) => retryDelay(attempt, policy, null))).toEqual([500, 1000, 2000, 60_000]);
    expect(
      ["7", "0.5", "3600", "0", "", "Wed, 21 Oct 2026 07:28:00 GMT"].map((asked) => retryDelay(0, policy, asked)),
    ).toEqual([7000, 500, 60_000, 500, 500, 500]);
  });

  it("reads its cache over lines that are damaged", async () => {
    const cachePath = join(temporaryFolder(), "replies.jsonl");
    const { baseUrl, requests } = await chatEndpoint(() => "B");
    const judge = () => new Judge({ baseUrl, model: "j", cachePath, policy: QUICK_RETRY });
    await judge().ask(question);
    writeFileSync(cachePath, `{"key":1}\nnull\n{"ke\n${readFileSync(cachePath, "utf8")}{"key":"torn`);
    expect(await judge().ask(question)).toBe("B");
    expect(requests).toHaveLength(1);
  });

  it("does not retry a refusal, and is left alone when it is down", async () => {
    const { baseUrl, requests } = await chatEndpoint(() => 401);
    const judge = new Judge({ baseUrl, model: "j", cachePath: null, policy: QUICK_RETRY });
    for (let attempt = 0; attempt < 20; attempt++) {
      expect(await judge.ask({ ...question, attempt })).toContain("Failed to obtain answer via API");
    }
    expect(requests).toHaveLength(8);
    expect(judge.counts.failed).toBe(20);
  });

  it("says what it will cost before it is asked, counts what it cost, and is asked three things at once at most", async () => {
    const folder = temporaryFolder();
    const image = await pngBase64();
    const rows = Array.from({ length: 8 }, (_, index) => ({
      index,
      image,
      question: `Q ${index}`,
      A: "one",
      B: "two",
    }));
    writeTsv(
      join(folder, "Custom.tsv"),
      rows.map((row) => ({ ...row, answer: "B" })),
    );
    const three = gate();
    const endpoint = await chatEndpoint(async (_, count) => {
      if (count === 3) three.open();
      await three.wait;
      // Long enough for a fourth question to come, if one were sent.
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
      return "B";
    });
    const judge = new Judge({
      baseUrl: endpoint.baseUrl,
      model: "j",
      cachePath: null,
      concurrency: 3,
      policy: QUICK_RETRY,
    });
    const { bench, dataMd5, close } = await openBench("Custom", { dataFolder: folder, offline: true });
    const estimates: [estimate: JudgeEstimate, asked: number][] = [];
    // Rules decide the first row; the seven others are the judge's.
    const result = await evaluate(bench, scriptedAnswerer({ 0: "B" }, "nobody can tell which of these it is"), {
      out: folder,
      dataMd5,
      rules: DEFAULT_RULES,
      judge,
      judgePrice: { input: 2, output: 30 },
      html: false,
      onJudgeEstimate: (estimate) => estimates.push([estimate, endpoint.requests.length]),
    });
    close();
    const characters = endpoint.requests.reduce((sum, request) => sum + promptOf(request).length, 0);
    const promptTokens = Math.ceil(characters / 4);
    const completionTokens = 7 * 64;
    const dollars = (2 * promptTokens + 30 * completionTokens) / 1e6;
    expect(estimates).toEqual([[{ questions: 7, promptTokens, completionTokens, dollars }, 0]]);
    // Each reply counts 10 + 2 tokens.
    expect(result?.judge).toMatchObject({ dollars: (2 * 70 + 30 * 14) / 1e6 });
    expect(result?.judge?.counts).toMatchObject({ asked: 7, promptTokens: 70, completionTokens: 14 });
    expect(endpoint.mostActive).toBe(3);
  });
});

describe("an endpoint as a model", () => {
  it("gets the same question and pictures as our own", async () => {
    const folder = temporaryFolder();
    const image = await pngBase64();
    writeTsv(join(folder, "Custom.tsv"), [{ index: 1, image, question: "Q", A: "one", B: "two", answer: "B" }]);
    const { baseUrl, requests } = await chatEndpoint(() => "B");
    const { bench, dataMd5, close } = await openBench("Custom", {
      dataFolder: folder,
      offline: true,
      prompt: "flashvl",
    });
    const answerer = openAiAnswerer({ baseUrl, model: "org/peer", policy: QUICK_RETRY });
    const result = await evaluate(bench, answerer, { out: folder, dataMd5, rules: DEFAULT_RULES, judge: null });
    close();
    expect(result?.metrics[0]?.value).toBe(100);
    expect(result?.prompt).toBe("flashvl");
    const [picture, text] = requests[0]!.messages[0]!.content as { image_url?: { url: string }; text?: string }[];
    expect(picture!.image_url!.url).toBe(`data:image/png;base64,${image}`);
    expect(text!.text).toBe("Q\nA. one\nB. two\nAnswer with the option's letter from the given choices directly.");
  });
});

describe("our own server", () => {
  it("answers as a model, and decides as a judge what rules cannot", async () => {
    const folder = temporaryFolder();
    const image = await pngBase64();
    const row = { image, question: "Which bus?", A: "one", B: "two" };
    writeTsv(join(folder, "Custom.tsv"), [
      { index: 1, ...row, answer: "B" },
      { index: 2, ...row, answer: "A" },
    ]);
    const model = new FakeModel({ script: () => "B" });
    const server = await start({ model, settings: { modelName: ["fake"] } });
    const endpoint = { baseUrl: `${server.url}/v1`, model: "fake", policy: QUICK_RETRY };
    const { bench, dataMd5, close } = await openBench("Custom", { dataFolder: folder, offline: true });
    const options = { out: folder, dataMd5, rules: DEFAULT_RULES, html: false };
    const answered = await evaluate(bench, openAiAnswerer(endpoint), { ...options, judge: null });
    expect(answered?.metrics[0]?.value).toBe(50);
    const parts = model.requests.flatMap(({ messages }) => messages[0]!.content as { type: string }[]);
    expect(parts.map(({ type }) => type)).toEqual(["image", "text", "image", "text"]);
    // Rules read nothing from the first reply, and "A" from the second.
    const vague = scriptedAnswerer({ 1: "nobody can tell which of these it might be", 2: "A" }, "", "vague");
    const judge = new Judge({ ...endpoint, cachePath: null });
    const judged = await evaluate(bench, vague, { ...options, judge });
    close();
    expect(judged?.metrics[0]?.value).toBe(100);
    expect(judged?.decisions).toMatchObject({ rule: 1, judge: 1 });
    expect(judge.counts).toEqual({ asked: 1, cached: 0, failed: 0, promptTokens: 10, completionTokens: 2 });
    expect(JSON.stringify(model.requests.at(-1)!.messages)).toContain("nobody can tell");
  });
});
