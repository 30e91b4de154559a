/** @file `flashvl eval SET...`: benchmark sets over a model, an endpoint or a file of predictions; and what is done with runs. */
import { join } from "node:path";
import type { Command } from "commander";
import type { Comparison, SetResult, Shard } from "../../eval/index.ts";
import {
  addRunFlags,
  addScoringFlags,
  type EvalFlags,
  openAnswerer,
  promptStyle,
  scoreOptions,
} from "../eval/flags.ts";
import { BadInputError, UsageError } from "../fail.ts";
import { addEngineOptions } from "../open-engine.ts";
import { parseNumber } from "../parse-number.ts";
import { addCommonOptions, addHubOptions } from "../shared-options.ts";
import { formatTable } from "../terminal/format.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { ProgressBar } from "../terminal/progress-bar.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("eval")
    .description("score a model on benchmark sets, as VLMEvalKit does; resumes where it stopped")
    .argument("[sets...]", "names of sets (see: flashvl eval list), data files or tasks of your own")
    .addHelpText(
      "after",
      "\nExamples:\n  flashvl eval MMStar WeMath --judge none\n  flashvl eval meters.tsv -m runs/meters/last\n  flashvl eval my-task.ts -m runs/meters/last\n  flashvl eval DynaMath --predictions old.xlsx --mode compat\n  flashvl eval MMStar --shard 0/4 --out shared/runs",
    )
    .action((sets: string[], flags: EvalFlags) => run(sets, flags));
  // What stands after a subcommand is the subcommand's.
  command.enablePositionalOptions();
  addHubOptions(addRunFlags(addScoringFlags(addEngineOptions(command))));
  const sub = (name: string, description: string) => addCommonOptions(command.command(name).description(description));
  sub("list", "the known sets").action((flags: EvalFlags) => list(flags));
  sub("compare", "two scored runs of the same sets, with paired significance")
    .argument("<first>", "folder of a model's runs, or of one set")
    .argument("<second>", "the other")
    .option("--seed <n>", "seed of the intervals (default: 1)", parseNumber({ least: 0, whole: true }))
    .action((first: string, second: string, flags: EvalFlags) => compare(first, second, flags));
  sub("report", "one Markdown report over all sets of a model")
    .argument("<folder>", "folder of a model's runs")
    .action((folder: string) => report(folder));
  addScoringFlags(sub("rescore", "score recorded answers again under other rules or another judge"))
    .argument("<folder>", "folder of one set's run")
    .action((folder: string, flags: EvalFlags) => rescore(folder, flags));
}

/** What the user named is not usable: the message says why. */
async function readable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    // One with a code has its exit code: a full disk is no bad input.
    if (error instanceof Error && error.name === "Error" && !("code" in error))
      throw new BadInputError(error.message, { cause: error });
    throw error;
  }
}

/** The set stays open: its rows that failed are in errors.jsonl, and are asked again by the next run. */
function unanswered(why: string, { openai }: EvalFlags): Error {
  const message = `Some rows have no answer; the last failure: ${why}. Run again to ask them again, or with --keep-failed to count them as wrong.`;
  return openai === undefined ? new BadInputError(message) : Object.assign(new Error(message), { code: "network" });
}

function shardOf(text: string | undefined, parse: (text: string) => Shard): Shard | undefined {
  try {
    return text === undefined ? undefined : parse(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The table of a model's own stages, indented below its heading; nothing where it has no rows. */
function beside(limit: number | null, rows: string[][]): string[] {
  if (rows.length === 0) return [];
  const note = limit === null ? "" : `, the first ${limit} questions of each set`;
  const heading = `The model's own stages (percent right, 95 % intervals${note}):`;
  return [heading, ...formatTable(rows).map((line) => `   ${line}`)];
}

/** The model card's table with this run below it; nothing where no set of the run is in it. */
const besideCard = (rows: readonly string[][]): string[] =>
  rows.length === 0
    ? []
    : ["The model card of FlashVL-2B-Static-GRPO, and this run:", ...formatTable(rows).map((line) => `   ${line}`)];

const seconds = (value: number | null) => (value === null ? "" : `, ${Math.ceil(value)} s left`);

/** Says what the judge will cost, before it is asked. */
function announceJudge(estimate: { questions: number; promptTokens: number; dollars: number | null }): void {
  const cost = estimate.dollars === null ? "" : `, at most about $${estimate.dollars.toFixed(2)} for the first replies`;
  process.stderr.write(`judge: ${estimate.questions} questions, about ${estimate.promptTokens} prompt tokens${cost}\n`);
}

const tell = (text: string): boolean => process.stderr.write(`${text}\n`);

async function run(sets: readonly string[], flags: EvalFlags): Promise<void> {
  if (sets.length === 0) throw new UsageError("Which sets? flashvl eval SET..., see: flashvl eval list.");
  if (flags.predictions !== undefined && sets.length > 1) {
    throw new UsageError("--predictions holds the answers to one set; name one.");
  }
  const { cardTable, evaluate, fileName, openBench, parseShard, writeModelReport, ownTableRows, formatSetResult } =
    await import("../../eval/index.ts");
  const shard = shardOf(flags.shard, parseShard);
  const options = await scoreOptions(flags);
  await promptStyle(flags);
  await withInterrupt(async (signal) => {
    const results: SetResult[] = [];
    let failure: string | null = null;
    const bar = new ProgressBar();
    // Data first: a wrong name is noticed before a model is loaded.
    const benches = [];
    for (const name of sets) {
      const onProgress = ({ done, total }: { done: number; total: number | null }) =>
        bar.update({ label: name, done, total: total ?? done, unit: "bytes" });
      const where = { dataFolder: flags.data, offline: flags.offline, signal, onProgress };
      benches.push(await readable(openBench(name, { rules: options.rules, ...where })));
    }
    const { answerer, style, ownTable } = await readable(openAnswerer(flags, signal));
    try {
      for (const { asked, dataMd5, data, close } of benches) {
        const bench = asked(style);
        const evaluated = evaluate(bench, answerer, {
          ...options,
          out: flags.out,
          shard,
          keepFailed: flags.keepFailed,
          dataMd5,
          data,
          signal,
          onNewRun: tell,
          onJudgeEstimate: announceJudge,
          onProgress: ({ done, total, runningScore, failed, lastFailure, secondsLeft }) => {
            failure = lastFailure ?? failure;
            const score = runningScore === null ? "" : `${runningScore.toFixed(1)} % so far`;
            const note = `${score}${failed > 0 ? `, ${failed} failed` : ""}${seconds(secondsLeft)}`;
            bar.update({ label: bench.name, done, total: total ?? done, unit: "steps", note });
          },
        });
        const result = await readable(evaluated);
        bar.end();
        close();
        if (result !== null) results.push(result);
        else process.stderr.write(`${bench.name}: rows are still open; run again, or the other shards, to score it.\n`);
        if (result === null || flags.json) continue;
        printLines(formatSetResult(result));
        if (ownTable) printLines(beside(ownTable.limit, ownTableRows(ownTable, result)));
      }
      if (results.length > 0) await writeModelReport(join(flags.out, fileName(answerer.name)));
      if (!flags.json && !ownTable) printLines(besideCard(cardTable(answerer.name, results)));
      if (flags.json) printJson(results);
    } finally {
      bar.end();
      await answerer.close();
    }
    if (failure !== null && results.length < benches.length) throw unanswered(failure, flags);
  });
}

async function list(flags: EvalFlags): Promise<void> {
  const { VLM_SETS } = await import("../../vlmeval/index.ts");
  const sets = VLM_SETS.map(({ name, type, rows, metricNote }) => ({ name, type, rows, metric: metricNote }));
  if (flags.json) return printJson(sets);
  const width = Math.max(...sets.map(({ name }) => name.length));
  printLines([
    ...sets.map(
      ({ name, rows, metric }) => `${name.padEnd(width)}  ${String(rows ?? "?").padStart(6)} rows  ${metric}`,
    ),
    "Also a file of your own, by its path (.tsv, .jsonl, .parquet) or its name in the data folder: columns index, question,",
    "answer and image or image_path; for options, A and B. See docs/own-sets.md.",
    "Or a task of your own, by the path of its module (.ts, .js): its default export, or the one that is named after #.",
  ]);
}

async function compare(first: string, second: string, flags: EvalFlags): Promise<void> {
  const { compareRuns } = await import("../../eval/index.ts");
  const found = await readable((async () => compareRuns(first, second, flags.seed))());
  if (flags.json) return printJson(found);
  printLines(found.map(comparisonLine));
}

/** "+12.50": a difference with its sign. */
const signed = (value: number): string => `${value >= 0 ? "+" : ""}${value.toFixed(2)}`;

function comparisonLine(found: Comparison): string {
  const { dataset, metric, names, units, first, second, difference, interval, onlyFirst, onlySecond, test, p } = found;
  const scores = `${names.first} ${first.toFixed(2)}, ${names.second} ${second.toFixed(2)}`;
  const spread = `95 %: ${signed(interval.low)} to ${signed(interval.high)}`;
  const wins = `${names.first} is better on ${onlyFirst}, ${names.second} on ${onlySecond}`;
  return `${dataset} ${metric}: ${scores}, difference ${signed(difference)} (${spread}) over ${units} units; ${wins}; p = ${p.toPrecision(3)} (${test})`;
}

async function report(folder: string): Promise<void> {
  const { writeModelReport } = await import("../../eval/index.ts");
  printLines([await readable(writeModelReport(folder))]);
}

async function rescore(folder: string, flags: EvalFlags): Promise<void> {
  const room = await import("../../eval/index.ts");
  const { formatSetResult, openBench, readAnswers, readRunState, scoreRun, withRun, writeModelReport } = room;
  const { PROMPT_STYLES } = await import("../../vlmeval/index.ts");
  const { settings, data } = await readable((async () => readRunState(folder))());
  const { dataset, model, prompt: style, dataMd5: before } = settings as Record<string, string>;
  const options = await scoreOptions(flags);
  await withInterrupt(async (signal) => {
    // The answers were given to the run's own prompt, whatever the default is now; a task has none to choose.
    const prompt = PROMPT_STYLES.find((one) => one === style);
    const where = { prompt, rules: options.rules, dataFolder: flags.data, signal };
    const { bench, dataMd5, close } = await readable(openBench(data ?? dataset!, where));
    try {
      if (dataMd5 !== before)
        process.stderr.write(`${dataset}: the data has changed since the run (MD5 ${before} then, ${dataMd5} now).\n`);
      // Rows that a limit left out have no answer, and are not scored.
      const score = { ...options, signal, onJudgeEstimate: announceJudge };
      const work = () => scoreRun(bench, model!, folder, readAnswers(folder), score, dataMd5);
      const result = await readable(withRun(folder, { wait: false }, work));
      await writeModelReport(join(folder, ".."));
      if (flags.json) printJson(result);
      else printLines(formatSetResult(result));
    } finally {
      close();
    }
  });
}
