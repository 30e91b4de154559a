/** @file Our own model in process: killed and resumed, batched or not, the same bytes. A tiny one quickly; the shipped one (long) through the command line, on the market and on a small TSV. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import {
  type Answer,
  type AnswerRequest,
  evaluate,
  flashvlAnswerer,
  openBench,
  readAnswers,
} from "../../src/eval/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import { DEFAULT_RULES } from "../../src/vlmeval/index.ts";
import { pngBase64, temporaryFolder, writeTsv } from "./fixtures.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const market = fileURLToPath(new URL("../../recipes/tiny/tasks.ts", import.meta.url));
const ROWS = 16;

const tiny = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
const TINY_ROWS = 6;

function start(out: string, batch: number): ChildProcess {
  const flags = [
    "--limit",
    String(ROWS),
    "--max-new-tokens",
    "24",
    "--batch",
    String(batch),
    "--out",
    out,
    "--data",
    out,
  ];
  return spawn(process.execPath, ["--import", loader, main, "eval", market, "Custom", ...flags], { stdio: "ignore" });
}

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once("exit", resolve));

async function folderWithSet(count = ROWS): Promise<string> {
  const folder = temporaryFolder();
  const image = await pngBase64();
  const rows = Array.from({ length: count }, (_, index) => ({
    index,
    image,
    question: `What is ${index}?`,
    A: "one",
    B: "two",
    answer: "A",
  }));
  writeTsv(join(folder, "Custom.tsv"), rows);
  return folder;
}

function filesOf(out: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(out, { recursive: true }) as string[]) {
    const path = join(out, name);
    if (statSync(path).isFile() && !/times\.jsonl$|\.xlsx$/.test(name)) files[name] = readFileSync(path, "utf8");
  }
  return files;
}

describe("a tiny model", () => {
  it("answers alike one by one, in batches, and after a kill", async () => {
    const data = await folderWithSet(TINY_ROWS);
    const cacheDir = temporaryFolder();
    await using model = await FlashVL.fromPretrained(tiny, { cacheDir, threads: 1, maxBatch: 4 });
    const { bench, dataMd5, close } = await openBench("Custom", { dataFolder: data, offline: true });
    const run = (out: string, batch: number) =>
      evaluate(bench, flashvlAnswerer(model, { batch, maxNewTokens: 12 }), {
        out,
        dataMd5,
        rules: DEFAULT_RULES,
        judge: null,
      });
    const broken = temporaryFolder();
    // Compiled by now: the other process opens the same files.
    const args = [fileURLToPath(new URL("./killed-run.ts", import.meta.url)), data, broken, tiny, cacheDir, "2"];
    const child = spawn(process.execPath, ["--import", loader, ...args], { stdio: "ignore" });
    const dead = ended(child);

    const expected = new Map<string, string>();
    const requests: AnswerRequest[] = [];
    for await (const row of bench.rows()) {
      const request = { key: row.key, ...(await row.prompt()) };
      requests.push(request);
      const { text } = await model.generate(request.images, request.messages, { doSample: false, maxNewTokens: 12 });
      expected.set(row.key, text);
    }
    expect(new Set(expected.values()).size).toBeGreaterThan(1);
    async function* source() {
      yield* requests;
    }
    for (const batch of [1, 4]) {
      const answers: Answer[] = [];
      const answerer = flashvlAnswerer(model, { batch, maxNewTokens: 12 });
      for await (const answer of answerer.answer(source(), {})) answers.push(answer);
      expect(new Map(answers.map(({ key, text }) => [key, text])), `batch ${batch}`).toEqual(expected);
    }

    const straight = temporaryFolder();
    await run(straight, 4);
    await dead;
    expect(child.signalCode).toBe("SIGKILL");
    const name = readdirSync(broken)[0]!;
    expect(readAnswers(join(broken, name, "Custom")).size).toBe(2);
    await run(broken, 1);
    close();
    expect(filesOf(broken)).toEqual(filesOf(straight));
    expect(Object.keys(filesOf(broken))).toContain(join(name, "Custom", "result.json"));
  });
});

describe.runIf(process.env.FLASHVL_LONG)("the shipped model", () => {
  it("leaves the same files after kills as in one go, and the same answers for any batch size", async () => {
    const straight = await folderWithSet();
    expect(await ended(start(straight, 4))).toBe(0);
    const broken = await folderWithSet();
    for (const [set, share] of [
      ["market_test", 0.3],
      ["Custom", 0.5],
    ] as const) {
      const child = start(broken, 4);
      const done = ended(child);
      while (child.exitCode === null) {
        const model = readdirSync(broken, { withFileTypes: true }).find((entry) => entry.isDirectory())?.name;
        if (model !== undefined && readAnswers(join(broken, model, set)).size >= ROWS * share) break;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      child.kill("SIGKILL");
      await done;
    }
    expect(await ended(start(broken, 4))).toBe(0);
    expect(filesOf(broken)).toEqual(filesOf(straight));
    const single = await folderWithSet();
    expect(await ended(start(single, 1))).toBe(0);
    const answersOf = (out: string) => Object.entries(filesOf(out)).filter(([name]) => name.endsWith("answers.jsonl"));
    expect(answersOf(single)).toEqual(answersOf(straight));
  }, 600_000);
});
