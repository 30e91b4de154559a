/** @file The metrics of a run, read from its folder; a run that goes on can be read again and again. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { TrainingInputError } from "../input-error.ts";

/** One line of metrics.jsonl. */
export type MetricsRow = Readonly<Record<string, number>> & { readonly step: number };

export interface Point {
  readonly step: number;
  readonly value: number;
}

/**
 * The rows of a run so far; a last line that is still being written is left out.
 * @throws Error when the folder is no run
 */
export async function readMetrics(run: string): Promise<MetricsRow[]> {
  const path = join(run, "metrics.jsonl");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new TrainingInputError(`${run} is not the folder of a run: it has no metrics.jsonl`, { cause: error });
  });
  const complete = text.slice(0, text.lastIndexOf("\n") + 1);
  return complete.split("\n").flatMap((line, i) => {
    if (line === "") return [];
    try {
      return [JSON.parse(line) as MetricsRow];
    } catch (error) {
      throw new TrainingInputError(`${path}:${i + 1} is not JSON: ${(error as Error).message}`, { cause: error });
    }
  });
}

/** The step at which a run is to end, by its recipe; undefined where it does not say. */
export async function plannedSteps(run: string): Promise<number | undefined> {
  const text = await readFile(join(run, "recipe.yaml"), "utf8").catch(() => "");
  const steps = (parse(text) as { steps?: unknown } | null)?.steps;
  return typeof steps === "number" ? steps : undefined;
}

/** The values of one metric; rows without it (validation comes only now and then) are left out. */
export const seriesOf = (rows: readonly MetricsRow[], key: string): Point[] =>
  rows.flatMap(({ step, [key]: value }) =>
    typeof value === "number" && Number.isFinite(value) ? [{ step, value }] : [],
  );
