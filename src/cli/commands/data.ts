/** @file `flashvl data …`: training files inspected, filtered, cleared of duplicates and benchmark questions, mixed and sampled. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { parseNumber } from "../parse-number.ts";
import { addCommonOptions, type CommonOptions } from "../shared-options.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

interface Options extends CommonOptions {
  out: string;
  memory: string;
  threads?: number;
}

interface InspectOptions extends Options {
  images?: string;
  question?: string;
  model?: string;
  shown?: number;
}

const memory = ["--memory <size>", "most memory of DuckDB, such as 512MB; the rest goes to the disk", "2GB"] as const;
const threads = ["--threads <n>", "threads", parseNumber({ least: 1, whole: true })] as const;

/** Adds the command and its subcommands to the program. */
export function register(program: Command): void {
  const data = program.command("data").description("work on training files as large as disks hold");
  data.enablePositionalOptions();
  data
    .command("run")
    .description(
      "run a pipeline of steps (inspect, filter, dedup, decontaminate, mix, sample); steps that are done are left out",
    )
    .argument("<pipeline>", "YAML file: { images, model, steps: [{ name, filter | dedup | … }] }")
    .requiredOption("--out <folder>", "folder of the outputs and their manifests")
    .option(...memory)
    .option(...threads)
    .action((pipeline: string, options: Options) => withInterrupt((signal) => run(pipeline, options, signal)));
  data
    .command("inspect")
    .description("count rows, tokens, languages, pictures, duplicates and what is broken, and write a page about them")
    .argument("<files>", 'data files: a path, or a pattern such as "raw/*.jsonl"')
    .option("--out <folder>", "folder of the page, inspection.html", ".")
    .option("--images <folder>", "what paths of pictures are relative to; the current folder when left out")
    .option("--question <text>", "what rows without a question ask")
    .option("--model <model>", "folder or name of the model whose tokens are counted")
    .option("--shown <n>", "rows that the page shows", parseNumber({ least: 0, whole: true }))
    .option(...memory)
    .option(...threads)
    .action((files: string, options: InspectOptions) => withInterrupt((signal) => inspect(files, options, signal)));
  for (const command of data.commands) addCommonOptions(command);
}

const print = (line: string) => void process.stderr.write(`${line}\n`);

async function run(path: string, { out, memory, threads, json }: Options, signal: AbortSignal): Promise<void> {
  const { readPipeline, runPipeline } = await import("../../data/index.ts");
  const results = await runPipeline(await readPipeline(path), { out, memory, threads, signal, print });
  if (json) printJson(results);
  else printLines(results.map(({ output }) => `${out}/${output}`));
}

async function inspect(files: string, options: InspectOptions, signal: AbortSignal): Promise<void> {
  const { out, memory, threads, json, images, question, model, shown } = options;
  const { parsePipeline, runPipeline } = await import("../../data/index.ts");
  const steps = [{ name: "inspection", inspect: { from: files, ...(shown !== undefined && { shown }) } }];
  const given = Object.fromEntries(Object.entries({ images, question, model }).filter(([, value]) => value));
  const pipeline = parsePipeline({ ...given, steps }, resolve("pipeline.yaml"));
  const [result] = await runPipeline(pipeline, { out, memory, threads, signal, print });
  if (json) printJson(result);
  else {
    const numbers = Object.entries(result!.details).map(([name, value]) => `${name}: ${value.toLocaleString("en")}`);
    printLines([...numbers, `${out}/${result!.output}`]);
  }
}
