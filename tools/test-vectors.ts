/**
 * @file `npm run test:vectors -- FILE...`: checks files of VLMEvalKit's inputs and outputs, and of TRL's preference losses; ends with
 * "N passed, M failed".
 */
import { readFileSync } from "node:fs";
import { runVector, type VectorCase } from "../test/eval/vectors/run-vectors.ts";
import {
  inFloat64,
  type PreferenceCase,
  type PreferenceErrors,
  throughGraph,
} from "../test/train/preference-vectors.ts";

type Case = VectorCase | PreferenceCase;

/** Python writes NaN and Infinity into JSON; 1e999 reads as infinity. */
function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const outside = /("(?:[^"\\]|\\.)*")|\bNaN\b|\bInfinity\b/g;
    return JSON.parse(text.replace(outside, (word, quoted) => quoted ?? (word === "NaN" ? "null" : "1e999")));
  }
}

function readCases(file: string): Case[] {
  try {
    const { cases } = parsePythonJson(readFileSync(file, "utf8")) as { cases: Case[] };
    if (Array.isArray(cases)) return cases;
    console.error(`${file} has no list "cases".`);
  } catch (error) {
    console.error(`${file} cannot be read: ${(error as Error).message}`);
  }
  process.exit(2);
}

/** What is wrong with our answer to a case of VLMEvalKit's; nothing where it is right. */
async function checkVector(vector: VectorCase): Promise<string[]> {
  const result = await runVector(vector);
  if (result.passed) return [];
  return [
    `${result.id} ${result.name}(${JSON.stringify(vector.input).slice(0, 300)})`,
    `  expected ${JSON.stringify(result.expected)}`,
    `  got      ${JSON.stringify(result.got)}`,
  ];
}

/** TRL takes shares of pairs and tokens in float32. */
const FLOAT32_SHARE = 5e-8;
/** What is further from TRL's numbers than 1e-9 in float64, or than 1e-5 through the graph. */
async function checkPreferences(c: PreferenceCase, number: number): Promise<string[]> {
  const far = (errors: PreferenceErrors, tolerance: number, where: string): string[] => {
    const { metrics, ...rest } = errors;
    return Object.entries({ ...rest, ...metrics })
      .filter(([name, error]) => !(error < (name.includes("accurac") ? Math.max(tolerance, FLOAT32_SHARE) : tolerance)))
      .map(([name, error]) => `  ${name} ${where}: off by ${error}, at most ${tolerance}`);
  };
  const found = [...far(inFloat64(c), 1e-9, "in float64"), ...far(await throughGraph(c), 1e-5, "through the graph")];
  return found.length ? [`case ${number}: ${c.loss_type.join(" + ")}`, ...found] : [];
}

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error(
    "usage: npm run test:vectors -- FILE...   (files like test/golden/vlmeval-vectors.json or dpo-vectors.json)",
  );
  process.exit(2);
}
let passed = 0;
let failed = 0;
for (const file of files) {
  for (const [i, one] of readCases(file).entries()) {
    const wrong = "loss_type" in one ? await checkPreferences(one, i + 1) : await checkVector(one);
    if (wrong.length === 0) passed++;
    else {
      failed++;
      console.log(wrong.join("\n"));
    }
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
