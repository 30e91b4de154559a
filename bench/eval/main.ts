/** @file Evaluation throughput: 1,000 questions with short answers in batches against one by one, and the scoring of 10,000 recorded replies. `tsx bench/eval/main.ts [MODEL]` */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { marketTask } from "../../recipes/tiny/market/index.ts";
import { evaluate, flashvlAnswerer, taskBench } from "../../src/eval/index.ts";
import { FlashVL } from "../../src/node/index.ts";
import type { Task } from "../../src/tasks/index.ts";
import { DEFAULT_RULES, findSet, runProgram } from "../../src/vlmeval/index.ts";
import { describeMachine, machineLine } from "../machine.ts";
import { writeSection } from "../results-section.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: "string", default: "1000" } },
});
const ROWS = Number(values.rows);
const BATCH = 16;
const SHORT_ANSWER = 8;
const RECORDED = 10_000;
const SETS = ["MMStar", "MathVision", "DynaMath", "DocVQA_VAL"];

/** The market's rows, drawn once, so that drawing is not measured. */
async function drawnTask(): Promise<Task<never>> {
  const task = marketTask({ pictures: Math.ceil(ROWS / 4) });
  const rows: unknown[] = [];
  for await (const row of task.rows()) if (rows.push(row) === ROWS) break;
  return {
    ...task,
    async *rows() {
      yield* rows as never[];
    },
  } as Task<never>;
}

/** Rows per second through the whole runner: prompts, answers, records, scores. */
async function rowsPerSecond(task: Task<never>, batch: number): Promise<number> {
  const out = mkdtempSync(join(tmpdir(), "bench-eval-"));
  const model = await FlashVL.fromPretrained(positionals[0], { maxBatch: batch });
  try {
    const answerer = flashvlAnswerer(model, { batch, maxNewTokens: SHORT_ANSWER });
    const started = performance.now();
    await evaluate(taskBench(task, ROWS), answerer, { out, rules: DEFAULT_RULES, judge: null, html: false });
    return ROWS / ((performance.now() - started) / 1000);
  } finally {
    await model.dispose();
    rmSync(out, { recursive: true });
  }
}

const REPLIES = [
  "The answer is B because of the wheels",
  "(B)",
  "\\frac{1}{2}",
  '{"solution": "s", "short answer": "3.5"}',
  "It is a blue car. ".repeat(30),
];
const CELLS = { question: "Q", A: "a red bus", B: "a blue car", answer: "3.5", answer_type: "float", choices: "[]" };

/** Seconds to score recorded replies by rules. */
async function scoringSeconds(name: string): Promise<number> {
  const set = findSet(name)!;
  const started = performance.now();
  for (let row = 0; row < RECORDED; row++) {
    const answered = { index: String(row), cells: CELLS, prediction: `${REPLIES[row % REPLIES.length]} ${row}` };
    await runProgram(set.score([answered], { rules: DEFAULT_RULES, judge: false }), () => null);
  }
  return (performance.now() - started) / 1000;
}

const task = await drawnTask();
const single = await rowsPerSecond(task, 1);
const batched = await rowsPerSecond(task, BATCH);
const scoring: string[] = [];
for (const name of SETS)
  scoring.push(`| score ${RECORDED} recorded replies of ${name} | ${(await scoringSeconds(name)).toFixed(2)} s |`);
const body = [
  "## Evaluation",
  "",
  `${ROWS} market questions of at most ${SHORT_ANSWER} tokens each, \`tsx bench/eval/main.ts\`; ${machineLine(describeMachine())}. One run.`,
  "",
  "| | |",
  "|---|---|",
  `| one by one | ${single.toFixed(2)} rows/s |`,
  `| ${BATCH} at once | ${batched.toFixed(2)} rows/s (${(batched / single).toFixed(2)}x) |`,
  ...scoring,
].join("\n");
console.log(body);
if (ROWS >= 1000) writeSection("evaluation", body);
