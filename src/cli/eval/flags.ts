/** @file The flags of `flashvl eval`, and what they say about scoring, judge and model. */
import type { Command } from "commander";
import type { Answerer, Judge, JudgePrice, OwnTable, ScoreOptions } from "../../eval/index.ts";
import { familyOf } from "../../model/index.ts";
import type { PromptStyle } from "../../vlmeval/index.ts";
import { UsageError } from "../fail.ts";
import { openEngine, type RunOptions } from "../open-engine.ts";
import { parseNumber } from "../parse-number.ts";
import type { CommonOptions } from "../shared-options.ts";

export interface EvalFlags extends RunOptions, CommonOptions {
  out: string;
  data?: string;
  prompt?: string;
  matcher: string;
  mode: string;
  storeAs?: string;
  format: string;
  openai?: string;
  openaiModel?: string;
  predictions?: string;
  judge: string;
  judgeUrl?: string;
  judgePrice?: string;
  judgeConcurrency?: number;
  shard?: string;
  keepFailed?: boolean;
  limit?: number;
  batch?: number;
  maxNewTokens?: number;
  seed?: number;
  /** False with --no-html. */
  html: boolean;
}

const count = parseNumber({ least: 1, whole: true });

/** Adds the flags that say how answers are scored. */
export function addScoringFlags(command: Command): Command {
  return command
    .option("--out <folder>", "where runs are kept and resumed", "outputs")
    .option("--data <folder>", "folder of data files (default: $LMUData, ~/LMUData)")
    .option("--matcher <version>", "2025-05, 2025-08 or 2026-06", "2026-06")
    .option("--mode <mode>", "compat (VLMEvalKit with its slips) or correct", "compat")
    .option("--store-as <format>", "score replies as read back from xlsx, tsv or json (default: xlsx in compat)")
    .option("--format <format>", "row files as xlsx, tsv or json", "xlsx")
    .option("--judge <model>", "model that decides what rules cannot, or none", "none")
    .option("--judge-url <url>", "its endpoint (key: JUDGE_API_KEY, else OPENAI_API_KEY)", "https://api.openai.com/v1")
    .option("--judge-price <in,out>", "dollars per million tokens, for the cost")
    .option("--judge-concurrency <n>", "judge questions at once (default: 16)", count)
    .option("--seed <n>", "seed of the intervals (default: 1)", parseNumber({ least: 0, whole: true }))
    .option("--no-html", "without the page of rows");
}

/** Adds the flags that say what is asked, and whom, but for our own model's. */
export function addRunFlags(command: Command): Command {
  return command
    .option(
      "--prompt <style>",
      "flashvl, internvl, dataset-default, recommended or internvl-recommended (default: the model's own)",
    )
    .option("--openai <url>", "measure an OpenAI-compatible endpoint instead of a local model (key: OPENAI_API_KEY)")
    .option("--openai-model <name>", "its model")
    .option("--predictions <file>", "score a predictions file (xlsx, tsv, json, jsonl) instead of a model")
    .option("--shard <i/N>", "answer only every Nth row, from the i-th; a run without it merges and scores")
    .option("--keep-failed", "score although some rows failed; they count as wrong")
    .option("--limit <n>", "only the first rows", count)
    .option("--batch <n>", "questions at once", count)
    .option("--max-new-tokens <n>", "longest answer (default: 512, or 4096 in InternVL's prompts)", count);
}

function oneOf<const T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw new UsageError(`${flag} is ${JSON.stringify(value)}; expected ${allowed.join(", ")}.`);
}

/**
 * The style of prompts: what the flags name; else that of VLMEvalKit's adapter for the model, as it is in compat mode, and
 * without what it drops in correct mode.
 * @param adapter whose prompts VLMEvalKit asks the model with, where not FlashVL's
 */
export async function promptStyle({ prompt, mode }: EvalFlags, adapter?: "internvl"): Promise<PromptStyle> {
  const { PROMPT_STYLES } = await import("../../vlmeval/index.ts");
  const chosen = prompt === undefined ? undefined : oneOf("--prompt", prompt, PROMPT_STYLES);
  if (adapter === undefined || (chosen !== undefined && chosen !== "recommended")) return chosen ?? "recommended";
  return chosen === undefined && mode === "compat" ? "internvl" : "internvl-recommended";
}

function judgePrice(text: string | undefined): JudgePrice | null {
  if (text === undefined) return null;
  const [input, output, ...more] = text.split(",").map(Number);
  if (more.length > 0 || !(input! >= 0) || !(output! >= 0)) {
    throw new UsageError(`--judge-price is ${JSON.stringify(text)}; expected two prices, e.g. 0.15,0.6.`);
  }
  return { input: input!, output: output! };
}

async function openJudge(flags: EvalFlags): Promise<Judge | null> {
  if (flags.judge === "none") return null;
  const { Judge } = await import("../../eval/index.ts");
  return new Judge({
    model: flags.judge,
    baseUrl: flags.judgeUrl!,
    apiKey: process.env.JUDGE_API_KEY || process.env.OPENAI_API_KEY,
    concurrency: flags.judgeConcurrency,
    cachePath: `${flags.out}/judge-replies.jsonl`,
  });
}

/** Everything about scoring but the signal. */
export async function scoreOptions(flags: EvalFlags): Promise<ScoreOptions> {
  const formats = ["xlsx", "tsv", "json"] as const;
  const { MATCHER_VERSIONS, SCORING_MODES } = await import("../../vlmeval/index.ts");
  return {
    rules: {
      matcher: oneOf("--matcher", flags.matcher, MATCHER_VERSIONS),
      mode: oneOf("--mode", flags.mode, SCORING_MODES),
    },
    judge: await openJudge(flags),
    judgePrice: judgePrice(flags.judgePrice),
    storage: flags.storeAs === undefined ? undefined : oneOf("--store-as", flags.storeAs, formats),
    format: oneOf("--format", flags.format, formats),
    limit: flags.limit,
    seed: flags.seed,
    html: flags.html,
  };
}

/** Who answers, and how it is asked. */
export interface OpenedAnswerer {
  answerer: Answerer;
  style: PromptStyle;
  /** What the stages of the model's own training scored, where it brings that along. */
  ownTable?: OwnTable;
}

/** The model that the flags name. Whoever gets it closes it. */
export async function openAnswerer(flags: EvalFlags, signal: AbortSignal): Promise<OpenedAnswerer> {
  const { flashvlAnswerer, openAiAnswerer, predictionsAnswerer, readOwnTable } = await import("../../eval/index.ts");
  const { INTERNVL_MAX_NEW_TOKENS, isInternvl } = await import("../../vlmeval/index.ts");
  const { batch, maxNewTokens } = flags;
  const style = await promptStyle(flags);
  if (flags.predictions !== undefined)
    return { answerer: await predictionsAnswerer(flags.predictions, undefined, signal), style };
  if (flags.openai !== undefined) {
    if (flags.openaiModel === undefined) throw new UsageError("--openai needs --openai-model, the model's name there.");
    if (isInternvl(style))
      throw new UsageError(
        `--prompt ${style} limits the tiles of each picture, which an endpoint isn't told; leave out --openai.`,
      );
    const apiKey = process.env.OPENAI_API_KEY;
    const endpoint = { baseUrl: flags.openai, model: flags.openaiModel, apiKey };
    return { answerer: openAiAnswerer({ ...endpoint, concurrency: batch, maxNewTokens }), style };
  }
  const model = await openEngine({ ...flags, maxBatch: batch }, signal);
  try {
    const own = await promptStyle(flags, familyOf(model.config).vlmevalAdapter);
    const longest = maxNewTokens ?? (isInternvl(own) ? INTERNVL_MAX_NEW_TOKENS : undefined);
    const answerer = flashvlAnswerer(model, { batch, maxNewTokens: longest, cacheDir: flags.cache });
    const ownTable = readOwnTable(model.info.folder);
    return { answerer: { ...answerer, close: () => model.dispose() }, style: own, ownTable };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}
