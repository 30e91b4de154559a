/** @file Every recorded input and output of VLMEvalKit's functions, in compatibility mode. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
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
