/** @file Every recorded input and output of VLMEvalKit's functions, in compatibility mode; and the command that takes any file of them. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./fixtures.ts";
import { runVector, type VectorCase } from "./vectors/run-vectors.ts";

const path = new URL("../golden/vlmeval-vectors.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: VectorCase[] };
const byFunction = new Map<string, VectorCase[]>();
for (const vector of cases) byFunction.set(vector.function, [...(byFunction.get(vector.function) ?? []), vector]);

describe("recorded functions of VLMEvalKit", () => {
  it.each([...byFunction])("%s gives what the original gave", async (_, vectors) => {
    for (const vector of vectors) {
      const result = await runVector(vector);
      expect(result.got, `${result.id} on ${JSON.stringify(vector.input).slice(0, 300)}`).toEqual(result.expected);
    }
  });

  it("MathVerse asks the judge about an empty extraction, even where the answer is empty too", async () => {
    const line = { question_for_eval: "Q", answer: "", extract: " ", prediction: "p" };
    const vector = { id: "", function: "mathverse.MathVerse_auxeval_score", input: { line, judge_replies: ["0"] } };
    const output = { score: false, log_is_prefetch: false, judge_calls: 1 };
    expect(await runVector({ ...vector, output })).toMatchObject({ passed: true });
  });
});

/** `npm run test:vectors -- FILE`: its exit code and what it printed. */
async function testVectors(file: string): Promise<{ code: number; lines: string[]; complaint: string }> {
  const command = fileURLToPath(new URL("../../tools/test-vectors.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", command, file]);
  const ended = new Promise<number>((resolve) => child.once("close", resolve));
  const [out, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, lines: out.trimEnd().split("\n"), complaint };
}

describe("npm run test:vectors", () => {
  it("ends with how many passed and failed, reads Python's NaN and Infinity, and fails when one failed", async () => {
    const file = join(temporaryFolder(), "python.json");
    const vector = (id: string, input: string, output: string) =>
      `{"id": "${id}", "function": "dynamath.parse_answer", "input": ${input}, "output": ${output}}`;
    const missing = `{"id": "nan", "function": "report_acc", "output": {"dev": {"Overall": 1.0, "Art": 1.0, "Math": NaN}, "test": {"Overall": 0.0, "Art": NaN, "Math": 0.0}},
      "input": {"rows": [{"split": "dev", "category": "Art", "hit": 1}, {"split": "test", "category": "Math", "hit": 0}]}}`;
    const vectors = [
      missing,
      vector("infinite", '{"answer": "-inf", "answer_type": "float"}', "[true, -Infinity]"),
      vector("quoted", '{"answer": "NaN, \\"Infinity\\"", "answer_type": "text"}', '[true, "NaN, \\"Infinity\\""]'),
      vector("wrong", '{"answer": "12", "answer_type": "float"}', "[true, 13]"),
    ];
    writeFileSync(file, `{"cases": [${vectors.join(",\n")}]}`);
    const [recorded, python] = await Promise.all([testVectors(fileURLToPath(path)), testVectors(file)]);
    expect(recorded).toEqual({ code: 0, lines: ["366 passed, 0 failed"], complaint: "" });
    expect(python.code).toBe(1);
    expect(python.lines[0]).toMatch(/^wrong dynamath\.parse_answer\(/);
    expect(python.lines.at(-1)).toBe("3 passed, 1 failed");
  });
});
