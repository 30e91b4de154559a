/** @file A run belongs to its model by content, to one process at a time, and to whole files only. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { thisProcess } from "../../src/common/node.ts";
import { modelName } from "../../src/eval/answer/flashvl.ts";
import { modelHash } from "../../src/eval/answer/model-hash.ts";
import { type Answerer, type EvaluateOptions, evaluate, openBench, readAnswers } from "../../src/eval/index.ts";
import { DEFAULT_RULES } from "../../src/vlmeval/index.ts";
import { pngBase64, temporaryFolder, writeTsv } from "./fixtures.ts";

const ROWS = 6;

async function setIn(folder: string): Promise<void> {
  const image = await pngBase64();
  const row = (index: number) => ({ index, image, question: `Q${index}`, A: "one", B: "two", answer: "A" });
  writeTsv(
    join(folder, "Custom.tsv"),
    Array.from({ length: ROWS }, (_, index) => row(index)),
  );
}

/** A model of this content that always says `text`, and what it was asked. */
function model(content: string, text: string): Answerer & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    name: "model",
    settings: { preset: "int8" },
    identity: async () => ({ model: content }),
    async *answer(requests) {
      for await (const { key } of requests) {
        asked.push(key);
        yield { key, text, milliseconds: 0 };
      }
    },
    close: async () => {},
  };
}

async function run(out: string, answerer: Answerer, options: Partial<EvaluateOptions> = {}) {
  const { bench, dataMd5, close } = await openBench("Custom", { dataFolder: out, offline: true });
  const fixed = { out, dataMd5, rules: DEFAULT_RULES, judge: null, html: false, format: "json" as const };
  try {
    return await evaluate(bench, answerer, { ...fixed, ...options });
  } finally {
    close();
  }
}

const scoreOf = (result: Awaited<ReturnType<typeof run>>) => result?.metrics[0]?.value;

describe("a model that has changed under its name", () => {
  it("is asked anew and says so; the earlier answers are kept, and come back with the earlier model", async () => {
    const out = temporaryFolder();
    await setIn(out);
    const told: string[] = [];
    const options = { onNewRun: (text: string) => told.push(text) };
    expect(scoreOf(await run(out, model("first", "B"), options))).toBe(0);
    expect(scoreOf(await run(out, model("second", "A"), options))).toBe(100);
    expect(told).toEqual([
      expect.stringMatching(/another model's \(model: "first" there, "second" now\).*Custom-1 now/),
    ]);
    const again = model("first", "A");
    expect(scoreOf(await run(out, again, options))).toBe(0);
    expect(again.asked).toEqual([]);
    expect(told).toHaveLength(2);
  });

  it("is not asked anew while it stays the same", async () => {
    const out = temporaryFolder();
    await setIn(out);
    await run(out, model("same", "A"));
    const again = model("same", "B");
    expect(scoreOf(await run(out, again))).toBe(100);
    expect(again.asked).toEqual([]);
  });
});

describe("a limit", () => {
  it("asks the first rows, and a run without it goes on from there; a smaller one loses nothing", async () => {
    const out = temporaryFolder();
    await setIn(out);
    const one = model("m", "A");
    expect(await run(out, one, { limit: 2 })).toMatchObject({ rows: 2, limit: 2 });
    expect(await run(out, one)).toMatchObject({ rows: ROWS, limit: null });
    expect(one.asked).toEqual(["0", "1", "2", "3", "4", "5"]);
    const answers = readFileSync(join(out, "model", "Custom", "answers.jsonl"), "utf8");
    expect(await run(out, one, { limit: 3 })).toMatchObject({ rows: 3 });
    expect(readFileSync(join(out, "model", "Custom", "answers.jsonl"), "utf8")).toBe(answers);
    expect(one.asked).toHaveLength(ROWS);
  });
});

describe("the files of a run", () => {
  it("are written anew when run.json is empty and no answer is there, and named when answers would be lost", async () => {
    const out = temporaryFolder();
    await setIn(out);
    const folder = join(out, "model", "Custom");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "run.json"), "");
    expect(await run(out, model("m", "A"))).toMatchObject({ rows: ROWS });
    for (const text of ["", "null", "[", '{"version":3}', '{"version":2}']) {
      writeFileSync(join(folder, "run.json"), text);
      await expect(run(out, model("m", "A")), text).rejects.toThrow(/run\.json cannot be read .*Remove .*Custom/);
    }
    expect(readAnswers(folder).size).toBe(ROWS);
  });

  it("are alone: what a killed process left half written is removed by the next one", async () => {
    const out = temporaryFolder();
    await setIn(out);
    await run(out, model("m", "A"));
    const folder = join(out, "model", "Custom");
    const before = readdirSync(folder).sort();
    // No process has the number 5,000,000.
    const { machine } = thisProcess;
    for (const name of ["run.json", "answers.jsonl", "result.json", "units.json"])
      writeFileSync(join(folder, `${name}.tmp-5000000-1-${machine}-00c0ffee`), "half");
    await run(out, model("m", "A"));
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it("name the line of the answers that is damaged", async () => {
    const out = temporaryFolder();
    await setIn(out);
    await run(out, model("m", "A"));
    const path = join(out, "model", "Custom", "answers.jsonl");
    writeFileSync(path, readFileSync(path, "utf8").replace('{"key":"2"', '{"key":2'));
    await expect(run(out, model("m", "A"))).rejects.toThrow(/answers\.jsonl, line 3: expected an object.*Remove/);
  });

  it("have one writer: a second process is refused by name", async () => {
    const out = temporaryFolder();
    await setIn(out);
    const first = model("m", "A");
    const { answer } = first;
    let second: Promise<unknown> | undefined;
    first.answer = async function* (requests, options) {
      second ??= run(out, model("m", "A")).catch((error: Error) => error);
      await second;
      yield* answer(requests, options);
    };
    expect(await run(out, first)).toMatchObject({ rows: ROWS });
    expect(await second).toMatchObject({
      name: "LockedError",
      message: expect.stringMatching(/Process \d+ is evaluating in .*Custom/),
    });
    expect(existsSync(join(out, "model", ".Custom.lock"))).toBe(false);
  });
});

describe("the hash of a model", () => {
  it("changes with weights, adapter, base and configuration, and with nothing else", async () => {
    const [base, adapter, cache] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    writeFileSync(join(base, "config.json"), "{}");
    const [weights, lora] = [join(base, "model.safetensors"), join(adapter, "adapter_model.safetensors")];
    writeFileSync(weights, "weights 1");
    writeFileSync(lora, "adapter 1");
    const hash = () => modelHash([weights, lora], cache);
    const seen = new Set([await hash()]);
    for (const [path, text] of [
      [weights, "weights 2"],
      [lora, "adapter 2"],
      [join(base, "config.json"), '{"a":1}'],
      [join(base, "generation_config.json"), "{}"],
      [join(adapter, "adapter_config.json"), "{}"],
    ] as const) {
      writeFileSync(path, text);
      const { size } = seen;
      seen.add(await hash());
      expect(seen.size, path).toBe(size + 1);
    }
    const last = await hash();
    for (const name of ["training.safetensors", "progress.json", "evaluation.json", "README.md"])
      writeFileSync(join(base, name), "x");
    expect(await hash()).toBe(last);
    expect(await modelHash([weights], cache)).not.toBe(last);
    // Other bytes of the same size under the same modification time: the time of the change tells.
    const at = new Date(1_700_000_000_000);
    utimesSync(weights, at, at);
    const before = await hash();
    writeFileSync(weights, "weights 3");
    utimesSync(weights, at, at);
    expect(await hash()).not.toBe(before);
  });
});

describe("a run's model", () => {
  it("is named by run and step, by folder, or as on the hub", () => {
    const folder = temporaryFolder();
    const step = join(folder, "meters", "checkpoints", "step-0000024");
    mkdirSync(step, { recursive: true });
    symlinkSync(step, join(folder, "meters", "last"));
    const last = join(folder, "meters", "last");
    expect(modelName(last, last)).toBe("meters-step-24");
    expect(modelName(step, step)).toBe("meters-step-24");
    expect(modelName("models/mine/", "models/mine/")).toBe("mine");
    expect(modelName("FlashVL/FlashVL-2B", "/cache/snapshots/0a1b")).toBe("FlashVL-2B");
    expect(modelName(".", join(folder, "meters"))).toBe("meters");
  });
});
