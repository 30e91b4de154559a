/** @file `flashvl check [NAME]`: finds out what a model's files leave open, by known answers, and keeps it for later opens. */
import type { Command } from "commander";
import type { ModelChoices } from "../../model/index.ts";
import type { HypothesisScore, KnownAnswer } from "../../node/index.ts";
import { UsageError } from "../fail.ts";
import { openModelFolder } from "../open-model-folder.ts";
import { parseNumber } from "../parse-number.ts";
import { addPrecisionOptions, choosePrecision } from "../precision.ts";
import { addHubOptions, type CommonOptions, type EngineOptions, type ModelOptions } from "../shared-options.ts";
import { formatTable } from "../terminal/format.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { ProgressBar } from "../terminal/progress-bar.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

type Options = ModelOptions &
  CommonOptions &
  Omit<EngineOptions, "device"> & {
    image?: string;
    question?: string;
    answer?: string;
    save: boolean;
    forget?: boolean;
  };

/** What the board that comes with the package shows, in the words of FlashVL's model card. */
const BOARD: readonly (readonly [question: string, answer: string])[] = [
  ["说说图中第一行第二列是什么蔬菜,买一斤多少钱", "图片中第一行第二列的蔬菜是**荷兰豆**,买一斤的价格是**¥7.98**。"],
  ["第二行第三列是什么,多少钱一斤", "图片中第二行第三列的水果是**草莓**,买一斤的价格是**¥5.80**。"],
  [
    "What is in row 2, column 1, and how much is it per jin?",
    "The fruit in row 2, column 1 is **grape**, and the price per jin is **¥6.80**.",
  ],
];

/** Adds the command to the program. */
export function register(program: Command): void {
  const command = program
    .command("check")
    .description(
      "find out what a model's files leave open: score known answers under each hypothesis, and keep the best",
    )
    .argument("[name]", "a folder or org/name[@revision]; the model that ships with the package if absent")
    .option(
      "--image <path>",
      "a picture that the model's answer is known for (default: the price board of the package)",
    )
    .option("--question <text>", "what was asked about it")
    .option("--answer <text>", "what the model answers, such as a model card says")
    .option("--no-save", "print only; keep nothing for later opens")
    .option("--forget", "forget what was kept before")
    .option(
      "--threads <n>",
      "threads per operator (default: the physical cores)",
      parseNumber({ least: 1, whole: true }),
    )
    .option("--cache <folder>", "cache of compiled graphs, beside which the choice is kept (default: ~/.cache/flashvl)")
    .addHelpText(
      "after",
      '\nExample:\n  flashvl check FlashVL/FlashVL-2B-Dynamic-ISS --image dish.png --question "Is it in the picture?" --answer "EXTRA"',
    )
    .action((name: string | undefined, options: Options) => withInterrupt((signal) => check(name, options, signal)));
  addHubOptions(addPrecisionOptions(command));
}

async function knownAnswers({ image, question, answer }: Options): Promise<KnownAnswer[]> {
  const given = [image, question, answer].filter((value) => value !== undefined).length;
  if (given === 0) {
    const { exampleBoard } = await import("../../node/index.ts");
    return BOARD.map(([asked, known]) => ({ image: exampleBoard(), question: asked, answer: known }));
  }
  if (question === undefined || answer === undefined)
    throw new UsageError("A known answer needs --question and --answer, and --image unless it is about no picture.");
  return [{ image: image ?? null, question, answer }];
}

async function check(name: string | undefined, options: Options, signal: AbortSignal): Promise<void> {
  const answers = await knownAnswers(options);
  const { preset } = await choosePrecision(options);
  const { writeChoices } = await import("../../compile/index.ts");
  // Opened under a form of its own where it needs one: which, is what is to be found out.
  const { checkpoint } = await openModelFolder(name, { ...options, iss: options.iss ?? "trim" }, signal);
  try {
    if (options.forget) {
      await writeChoices(checkpoint, {}, options.cache);
      if (!options.json) printLines(["Nothing is kept for this model any more."]);
      return;
    }
    const { checkModel } = await import("../../node/index.ts");
    const bar = new ProgressBar();
    const scores = await checkModel(checkpoint.folder, answers, {
      preset,
      threads: options.threads,
      cacheDir: options.cache,
      signal,
      onProgress: ({ phase, done, total }) =>
        bar.update({ label: phase, done, total, unit: phase === "load" ? "steps" : "bytes" }),
    }).finally(() => bar.end());
    const best = scores[0]!;
    const file = options.save ? await writeChoices(checkpoint, best.choices, options.cache) : undefined;
    if (options.json) return printJson({ best: best.choices, scores, file });
    printLines([
      ...scoreLines(scores),
      "",
      `Best: ${describe(best.choices)}.`,
      file === undefined ? "Nothing was kept (--no-save)." : `Later opens use it: kept in ${file}`,
    ]);
  } finally {
    await checkpoint.close();
  }
}

const describe = (choices: ModelChoices): string =>
  Object.entries(choices)
    .map(([key, value]) => `${key} ${value === null ? "none" : JSON.stringify(value)}`)
    .join(", ");

/** One line per hypothesis, the best first. */
function scoreLines(scores: readonly HypothesisScore[]): string[] {
  const keys = Object.keys(scores[0]!.choices) as (keyof ModelChoices)[];
  const shown = (value: unknown): string => (value === null ? "none" : String(value).slice(0, 32));
  const rows = scores.map(({ choices, loss }) => [loss.toFixed(4), ...keys.map((key) => shown(choices[key]))]);
  return formatTable([["loss per token", ...keys], ...rows], [0]);
}
