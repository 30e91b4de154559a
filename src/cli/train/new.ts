/** @file `flashvl train new DATA`: looks at the data, asks what it cannot know, and writes a recipe. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { BadInputError, UsageError } from "../fail.ts";
import type { CommonOptions } from "../shared-options.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

interface Options extends CommonOptions {
  out?: string;
  model?: string;
  stage: string;
  full?: boolean;
  question?: string;
  yes?: boolean;
}

/** Adds the command to `train`. */
export function register(train: Command): void {
  train
    .command("new")
    .description("write a recipe for a data file, a folder or a table of labels, asking a few questions in a terminal")
    .argument(
      "<data>",
      "conversations (.jsonl, .json, .parquet), a table (.csv, .tsv) with pictures and labels, a pattern, or a folder",
    )
    .option("--out <file>", "where the recipe goes (default: <name of the data>.yaml)")
    .option("--model <model>", 'folder, name of the hub, or "tiny" for the shipped model (default: tiny)')
    .option("--stage <stage>", "sft, or grpo for reinforcement learning", "sft")
    .option("--full", "train whole weights instead of a LoRA")
    .option("--question <text>", "what rows ask that have no question of their own")
    .option("--yes", "ask nothing: what no flag says is as usual")
    .action(create);
}

async function create(data: string, options: Options): Promise<void> {
  const { draftRecipe, lookAtData } = await import("../../train/index.ts");
  const { stage } = options;
  if (stage !== "sft" && stage !== "grpo")
    throw new UsageError(`--stage is ${JSON.stringify(stage)}; expected sft or grpo.`);
  const out =
    options.out ??
    `${
      basename(data)
        .replace(/\.\w+$/, "")
        .replace(/[*?]/g, "_") || "recipe"
    }.yaml`;
  if (existsSync(out)) throw new BadInputError(`${out} exists already; name another file with --out.`);
  const look = await lookAtData(data, options.question);
  const ask =
    options.yes || options.json || !process.stdin.isTTY
      ? undefined
      : createInterface({ input: process.stdin, output: process.stderr });
  /** The answer, or the usual one for an empty line. */
  const answer = async (question: string, usual: string): Promise<string> =>
    (await ask?.question(`${question} [${usual}] `))?.trim() || usual;
  try {
    const model = options.model ?? (await answer("Model (a folder, a name of the hub, or tiny)", "tiny"));
    const full = options.full ?? (await answer("Train a LoRA or full weights? (lora, full)", "lora")) === "full";
    let { question } = options;
    if (look.needsQuestion) question ??= await ask?.question("The rows have no question. What do they ask? ");
    if (look.needsQuestion && !question)
      throw new UsageError(`The rows of ${data} have no question: say with --question what they ask.`);
    const { example, rows } = look;
    await writeFile(out, draftRecipe({ data, out, model, stage, lora: !full, question, look }), { flag: "wx" });
    if (options.json) return printJson({ recipe: out, rows, example });
    process.stderr.write(
      `${rows} rows; the first: ${example.pictures} pictures, ${JSON.stringify(example.question === "?" ? question : example.question)} → ${JSON.stringify(example.answer)}\n`,
    );
    process.stderr.write(`train with: flashvl train ${stage} ${out}\n`);
    printLines([out]);
  } finally {
    ask?.close();
  }
}
