/** @file The shipped model on the market and on a small TSV through the command line: killed and resumed, batched or not, the same bytes. Long. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { readAnswers } from "../../src/eval/index.ts";
import { pngBase64, temporaryFolder, writeTsv } from "./fixtures.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const ROWS = 16;

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
  return spawn(process.execPath, ["--import", loader, main, "eval", "market", "Custom", ...flags], { stdio: "ignore" });
}

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once("exit", resolve));

async function folderWithSet(): Promise<string> {
  const folder = temporaryFolder();
  const image = await pngBase64();
  const rows = Array.from({ length: ROWS }, (_, index) => ({
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
