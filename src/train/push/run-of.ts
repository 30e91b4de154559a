/** @file The run that a checkpoint came from, as far as others may read of it: recipe, data and scores without a path of this machine. */

import { readFile, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parse } from "yaml";
import { readData } from "../run/data-files.ts";
import { readMetrics } from "../watch/read-metrics.ts";

/** A data file of the run, by its name alone. */
export interface RunData {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface TrainedRun {
  readonly name: string;
  readonly step: number;
  /** As it was run; paths are their last part. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly data: readonly RunData[];
  /** Validation by metric, before the first step where that was measured, and of these weights. */
  readonly scores: readonly { readonly metric: string; readonly before?: number; readonly after: number }[];
}

const isPath = (text: string): boolean => /^(\/|~|[A-Za-z]:[\\/]|file:)/.test(text);

/** The value with every path cut down to its last part. */
export function withoutPaths(value: unknown): unknown {
  if (typeof value === "string") return isPath(value) ? basename(value.replaceAll("\\", "/")) : value;
  if (Array.isArray(value)) return value.map(withoutPaths);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutPaths(inner)]));
}

/** The folder of the run and the step of a checkpoint; undefined for other folders. */
async function placeOf(checkpoint: string): Promise<{ run: string; step: number } | undefined> {
  const place = await realpath(checkpoint);
  const step = /^step-0*(\d+)$/.exec(basename(place))?.[1];
  if (!step || !/^checkpoints(-best)?$/.test(basename(dirname(place)))) return undefined;
  return { run: dirname(dirname(place)), step: Number(step) };
}

/** @returns undefined where the folder is no checkpoint of a run. */
export async function runOf(checkpoint: string): Promise<TrainedRun | undefined> {
  const place = await placeOf(checkpoint);
  if (!place) return undefined;
  const { run, step } = place;
  const text = await readFile(join(run, "recipe.yaml"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const rows = await readMetrics(run).catch(() => []);
  const [first, own] = [0, step].map((n) => rows.find((row) => row.step === n));
  return {
    name: basename(run),
    step,
    recipe: withoutPaths(parse(text)) as Record<string, unknown>,
    data: Object.entries((await readData(run)) ?? {}).map(([path, { bytes, hash }]) => ({
      name: basename(path),
      bytes,
      sha256: hash,
    })),
    scores: Object.entries(own ?? {}).flatMap(([key, after]) =>
      /^eval_/.test(key) ? [{ metric: key.slice("eval_".length), before: first?.[key], after }] : [],
    ),
  };
}
