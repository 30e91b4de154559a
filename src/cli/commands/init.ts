/** @file `flashvl init --like NAME OUT`: writes a checkpoint of random weights, for benchmarks, tests and training from scratch. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { MAX_SEED } from "../../common/index.ts";
import { BadInputError, UsageError } from "../fail.ts";
import { PUBLISHED_CONFIGS } from "../init/published-configs.ts";
import { parseNumber } from "../parse-number.ts";
import type { CommonOptions } from "../shared-options.ts";
import { formatBytes, formatCount } from "../terminal/format.ts";
import { withInterrupt } from "../terminal/interrupt.ts";
import { ProgressBar } from "../terminal/progress-bar.ts";
import { printJson, printLines } from "../terminal/stdout.ts";

interface Options extends CommonOptions {
  like?: string;
  config?: string;
  seed: number;
  tokenizer?: string;
  shardGb?: number;
}

/** Adds the command to the program. */
export function register(program: Command): void {
  program
    .command("init")
    .description("write a checkpoint of random weights in the published layout")
    .argument("<out>", "folder to write; new or empty")
    .option("--like <name>", `sizes of a published model: ${Object.keys(PUBLISHED_CONFIGS).join(", ")}`)
    .option("--config <file>", "sizes from a config.json")
    .option(
      "--seed <n>",
      "the same seed gives the same weights",
      parseNumber({ least: 0, most: MAX_SEED, whole: true }),
      0,
    )
    .option("--tokenizer <folder>", "take the tokenizer files from here instead of Qwen2.5's")
    .option(
      "--shard-gb <n>",
      "split the weights into files of at most so many gigabytes",
      parseNumber({ least: 0, above: true }),
    )
    .action((out: string, options: Options) => withInterrupt((signal) => init(out, options, signal)));
}

async function init(out: string, options: Options, signal: AbortSignal): Promise<void> {
  const { parseConfig } = await import("../../model/index.ts");
  const { writeRandomCheckpoint } = await import("../init/write-random-checkpoint.ts");
  const json = await chooseConfig(options);
  let config: ReturnType<typeof parseConfig>;
  try {
    // The form of stitching changes no tensor.
    config = parseConfig(json, { choices: { iss: "trim" } });
  } catch (cause) {
    throw new BadInputError(`${options.config}: ${(cause as Error).message}`, { cause });
  }
  const bar = new ProgressBar();
  let parameters: number;
  try {
    parameters = await writeRandomCheckpoint(out, {
      json,
      config,
      seed: options.seed,
      tokenizer: options.tokenizer,
      shardBytes: options.shardGb && options.shardGb * 1e9,
      signal,
      onBytes: (done, total) => bar.update({ label: "write", done, total, unit: "bytes" }),
    });
  } finally {
    bar.end();
  }
  const folder = resolve(out);
  if (options.json) return printJson({ folder, parameters, bytes: 2 * parameters, seed: options.seed });
  process.stderr.write(
    `${formatCount(parameters)} parameters, ${formatBytes(2 * parameters)} in bf16, seed ${options.seed}\n`,
  );
  printLines([folder]);
}

async function chooseConfig({ like, config }: Options): Promise<object> {
  if ((like === undefined) === (config === undefined))
    throw new UsageError("Give either --like NAME or --config FILE, so that the sizes are known.");
  if (like !== undefined) {
    if (Object.hasOwn(PUBLISHED_CONFIGS, like)) return PUBLISHED_CONFIGS[like]!;
    throw new UsageError(
      `There is no published model "${like}"; expected one of ${Object.keys(PUBLISHED_CONFIGS).join(", ")}.`,
    );
  }
  const text = await readFile(config!, "utf8");
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null) return json;
  } catch (cause) {
    throw new BadInputError(`${config} is no JSON: ${(cause as Error).message}`, { cause });
  }
  throw new BadInputError(`${config} holds no object; expected a config.json`);
}
