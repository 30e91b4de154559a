/** @file Flags that several commands have, with one wording and one meaning. */
import type { Command } from "commander";
import type { IssForm } from "../model/index.ts";
import type { PrecisionOptions } from "./precision.ts";

/** Flags of every command. */
export interface CommonOptions {
  json?: boolean;
  debug?: boolean;
}

/** Flags of commands that look for a model. */
export interface ModelOptions {
  hubCache?: string;
  endpoint?: string;
  offline?: boolean;
  /** The form of stitching, for models that leave it open. */
  iss?: IssForm;
}

/** Flags of commands that run or build graphs. */
export interface EngineOptions extends PrecisionOptions {
  device?: string;
  threads?: number;
  cache?: string;
}

/** Adds --json and --debug. */
export function addCommonOptions(command: Command): Command {
  return command
    .option("--json", "print machine-readable JSON, errors too")
    .option("--debug", "show where an error comes from");
}

/** Adds the flag for what a checkpoint leaves open. */
export const addChoices = (command: Command): Command =>
  command.option(
    "--iss <form>",
    "form of semantic stitching, for models that need one: stitch, trim, bilinear or native",
  );

/** Adds the flags that say where models come from; the token comes from HF_TOKEN, since other users see command lines. */
export function addHubOptions(command: Command): Command {
  return command
    .option("--hub-cache <folder>", "cache of downloaded models (default: HF_HUB_CACHE, ~/.cache/huggingface/hub)")
    .option("--endpoint <url>", "address of the hub (default: HF_ENDPOINT, https://huggingface.co)")
    .option("--offline", "use only what the cache holds (also HF_HUB_OFFLINE)");
}

/** The hub flags as options of `resolveModel`. */
export function hubOptions({ hubCache, endpoint, offline }: ModelOptions) {
  return { cacheDir: hubCache, endpoint, offline };
}
