/** @file Runs that are killed at random points, split into shards or batched otherwise leave the same bytes as a straight run. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { marketTask } from "../../recipes/tiny/market/index.ts";
import { mapConcurrent, Random } from "../../src/common/index.ts";
import {
  type Answerer,
  type AnswerProgress,
  evaluate,
  openBench,
  readAnswers,
  readPredictions,
  taskBench,
} from "../../src/eval/index.ts";
import { DEFAULT_RULES } from "../../src/vlmeval/index.ts";
import { pngBase64, scriptedAnswerer, temporaryFolder, writeTsv } from "./fixtures.ts";

const ROWS = 40;
const script = fileURLToPath(new URL("./slow-run.ts", import.meta.url));
const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

async function writeSet(folder: string): Promise<void> {
  const image = await pngBase64();
  const rows = Array.from({ length: ROWS }, (_, index) => ({
    index,
    image,
    question: `Q ${index}`,
    A: "one",
    B: "two",
    answer: "A",
  }));
  writeTsv(join(folder, "Custom.tsv"), rows);
}

/** Every file of a run but the times, by its path. */
function filesOf(folder: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, name);
    if (!statSync(path).isFile() || /times\.jsonl$|\.xlsx$/.test(name)) continue;
    out[name] = readFileSync(path, "utf8");
  }
  return out;
}

function startRun(data: string, out: string): ChildProcess {
  return spawn(process.execPath, ["--import", loader, script, data, out], { stdio: "ignore" });
}

const ended = (child: ChildProcess) => new Promise<void>((resolve) => child.once("exit", () => resolve()));

async function until(condition: () => boolean, child: ChildProcess): Promise<void> {
  while (!condition() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 3));
}

/** Answers that depend on the row alone, late ones first. */
function jumbled(batch: number): Answerer {
  return {
    name: "jumbled",
    settings: {},
    answer: (requests) =>
      mapConcurrent(requests, batch, async ({ key }) => {
        for (let turn = Number(key) % 7; turn < 7; turn++) await Promise.resolve();
        return { key, text: Number(key) % 3 === 0 ? "A" : "B", milliseconds: 0 };
      }),
    close: async () => {},
  };
}

async function runAll(data: string, out: string, answerer: Answerer, shard?: { index: number; count: number }) {
  const { bench, dataMd5, close } = await openBench("Custom", { dataFolder: data, offline: true });
  try {
    return await evaluate(bench, answerer, { out, dataMd5, shard, rules: DEFAULT_RULES, judge: null });
  } finally {
    close();
  }
}

describe("a run", () => {
  it("killed by SIGKILL and resumed equals the straight run byte for byte", async () => {
    const data = temporaryFolder();
    await writeSet(data);
    const [straight, broken] = [temporaryFolder(), temporaryFolder()];
    const whole = startRun(data, straight);
    const answers = join(broken, "slow", "Custom");
    // Points between two rows, drawn with a seed, that leave time to be killed in. A process takes seconds to start.
    const random = new Random(2026);
    const points = [1 + random.below(ROWS / 2)];
    if (process.env.FLASHVL_LONG) points.push(ROWS / 2 + random.below(ROWS / 4));
    for (const point of points) {
      const child = startRun(data, broken);
      const done = ended(child);
      await until(() => readAnswers(answers).size >= point, child);
      child.kill("SIGKILL");
      await done;
      expect(existsSync(join(answers, "result.json"))).toBe(false);
    }
    const kept = readAnswers(answers).size;
    expect(kept).toBeGreaterThanOrEqual(points.at(-1)!);
    // And a line that was only half written.
    appendFileSync(join(answers, "answers.0-of-1.jsonl"), '{"key":"39","te');
    await ended(startRun(data, broken));
    if (whole.exitCode === null) await ended(whole);
    expect(filesOf(broken)).toEqual(filesOf(straight));
    // A workbook holds the time of its making, so its rows are compared.
    const workbook = join("slow", "slow_Custom.xlsx");
    const predictions = await readPredictions(join(broken, workbook));
    expect(predictions.size).toBe(ROWS);
    expect(predictions).toEqual(await readPredictions(join(straight, workbook)));
    const asked = readFileSync(join(answers, "times.jsonl"), "utf8").trim().split("\n");
    // No row that was recorded is asked again.
    expect(asked.length).toBeLessThanOrEqual(ROWS + 3);
    expect(Object.keys(filesOf(broken)).sort()).toContain(join("slow", "Custom", "rows.html"));
  });

  it("goes on from any byte at which its record may end", async () => {
    const data = temporaryFolder();
    await writeSet(data);
    const reference = temporaryFolder();
    await runAll(data, reference, jumbled(3));
    const run = join("jumbled", "Custom");
    const record = readFileSync(join(reference, run, "answers.jsonl"));
    const random = new Random(5);
    for (let kill = 0; kill < 4; kill++) {
      const out = temporaryFolder();
      mkdirSync(join(out, run), { recursive: true });
      copyFileSync(join(reference, run, "run.json"), join(out, run, "run.json"));
      const end = random.below(record.length);
      writeFileSync(join(out, run, "answers.0-of-1.jsonl"), record.subarray(0, end));
      const asked: string[] = [];
      const answerer = jumbled(3);
      const { answer } = answerer;
      answerer.answer = async function* (requests, options) {
        for await (const found of answer(requests, options)) {
          asked.push(found.key);
          yield found;
        }
      };
      await runAll(data, out, answerer);
      expect(filesOf(out), `killed at byte ${end}`).toEqual(filesOf(reference));
      const whole = record.subarray(0, end).toString("utf8").split("\n").length - 1;
      expect(asked).toHaveLength(ROWS - whole);
    }
  });

  it("says how far it is: the score by rules so far, the time left, and at the end the whole", async () => {
    const data = temporaryFolder();
    await writeSet(data);
    const calls: AnswerProgress[] = [];
    const { bench, dataMd5, close } = await openBench("Custom", { dataFolder: data, offline: true });
    const options = { out: data, dataMd5, rules: DEFAULT_RULES, judge: null, html: false };
    const result = await evaluate(bench, jumbled(1), { ...options, onProgress: (progress) => calls.push(progress) });
    close();
    expect(calls.map(({ done }) => done)).toEqual([...Array.from({ length: ROWS }, (_, at) => at + 1), ROWS]);
    // Rows 0 and 3 are right, 1 and 2 wrong.
    expect(calls.slice(0, 4).map(({ runningScore }) => runningScore)).toEqual([100, 50, 100 / 3, 50]);
    expect(calls[3]!.secondsLeft).toBeGreaterThan(0);
    const overall = result?.metrics.find(({ name }) => name === "Overall")?.value;
    expect(overall).toBe(35);
    expect(calls.at(-1)).toEqual({
      done: ROWS,
      total: ROWS,
      runningScore: overall,
      failed: 0,
      lastFailure: null,
      secondsLeft: 0,
    });
  });

  it("leaves the same files for any batch size and any number of shards", async () => {
    const data = temporaryFolder();
    await writeSet(data);
    const reference = temporaryFolder();
    await runAll(data, reference, jumbled(1));
    const batched = temporaryFolder();
    await runAll(data, batched, jumbled(16));
    expect(filesOf(batched)).toEqual(filesOf(reference));
    const sharded = temporaryFolder();
    for (const index of [2, 0, 3]) expect(await runAll(data, sharded, jumbled(4), { index, count: 4 })).toBeNull();
    expect(await runAll(data, sharded, jumbled(4), { index: 1, count: 4 })).not.toBeNull();
    expect(filesOf(sharded)).toEqual(filesOf(reference));
  });

  it("refuses to mix answers made with other settings, naming them", async () => {
    const data = temporaryFolder();
    await writeSet(data);
    const out = temporaryFolder();
    await runAll(data, out, jumbled(2));
    const other = { ...jumbled(2), settings: { temperature: 1 } };
    await expect(runAll(data, out, other)).rejects.toThrow(/other settings \(answerer/);
  });

  it("asks rows again that failed, and scores only when all are answered", async () => {
    const data = temporaryFolder();
    await writeSet(data);
    const out = temporaryFolder();
    const flaky: Answerer = {
      name: "jumbled",
      settings: {},
      async *answer(requests) {
        for await (const { key } of requests)
          yield { key, text: "A", error: key === "7" ? "out of memory" : undefined, milliseconds: 0 };
      },
      close: async () => {},
    };
    expect(await runAll(data, out, flaky)).toBeNull();
    expect(readFileSync(join(out, "jumbled", "Custom", "errors.jsonl"), "utf8")).toBe(
      '{"key":"7","error":"out of memory"}\n',
    );
    const result = await runAll(data, out, jumbled(2));
    expect(result?.rows).toBe(ROWS);
  });
});

describe("a task of one's own", () => {
  it("runs under the same runner", async () => {
    const out = temporaryFolder();
    const task = marketTask({ pictures: 1 });
    const answers: Record<string, string> = {};
    let rows = 0;
    for await (const row of task.rows()) {
      rows++;
      if (rows % 2 === 0) answers[row.id] = row.answer;
    }
    const result = await evaluate(taskBench(task), scriptedAnswerer(answers, "no idea"), {
      out,
      rules: DEFAULT_RULES,
      judge: null,
      html: false,
    });
    expect(result?.rows).toBe(rows);
    expect(result?.metrics[0]?.value).toBeGreaterThan(0);
    expect(result?.categories.length).toBeGreaterThan(1);
  });
});
