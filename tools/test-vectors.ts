/** @file `npm run test:vectors -- FILE...`: checks files of VLMEvalKit's inputs and outputs; ends with "N passed, M failed". */
import { readFileSync } from "node:fs";
import { runVector, type VectorCase } from "../test/eval/vectors/run-vectors.ts";

/** Python writes NaN and Infinity into JSON; 1e999 reads as infinity. */
function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const outside = /("(?:[^"\\]|\\.)*")|\bNaN\b|\bInfinity\b/g;
    return JSON.parse(text.replace(outside, (word, quoted) => quoted ?? (word === "NaN" ? "null" : "1e999")));
  }
}

function readCases(file: string): VectorCase[] {
  try {
    const { cases } = parsePythonJson(readFileSync(file, "utf8")) as { cases: VectorCase[] };
    if (Array.isArray(cases)) return cases;
    console.error(`${file} has no list "cases".`);
  } catch (error) {
    console.error(`${file} cannot be read: ${(error as Error).message}`);
  }
  process.exit(2);
}

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error(
    "usage: npm run test:vectors -- FILE...   (a file of { cases: [{ id, function, input, output | error }] })",
  );
  process.exit(2);
}
let passed = 0;
let failed = 0;
for (const file of files) {
  for (const vector of readCases(file)) {
    const result = await runVector(vector);
    if (result.passed) passed++;
    else {
      failed++;
      console.log(`${result.id} ${result.name}(${JSON.stringify(vector.input).slice(0, 300)})`);
      console.log(`  expected ${JSON.stringify(result.expected)}\n  got      ${JSON.stringify(result.got)}`);
    }
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
