/** @file Two scored runs of the same sets, metric by metric, with paired significance. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Metric } from "../vlmeval/index.ts";
import { isScored, readResult, readUnits } from "./report/result.ts";
import { comparePaired, type Paired } from "./stats/paired.ts";
import { withCode } from "./with-code.ts";

export interface Comparison extends Paired {
  dataset: string;
  metric: string;
  /** The models; where both have one name, the folders. */
  names: { first: string; second: string };
}

/** The set folders under a model's folder, or the folder itself if it is one set's, by the sets' names. */
function setFolders(folder: string): Map<string, string> {
  if (!existsSync(folder)) throw withCode("not-found", `${folder}: no such folder; expected a run.`);
  const inside = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
  const scored = isScored(folder) ? [folder] : inside.filter(isScored);
  if (scored.length === 0) throw new Error(`${folder} holds no scored run.`);
  return new Map(scored.map((path) => [readResult(path).dataset, path]));
}

/**
 * Compare every metric that both runs have.
 * @param first a set's folder, or a model's folder with several
 * @throws if either holds no scored run, or they share no set
 * @example compareRuns("runs/before", "runs/after")[0]?.difference // above 0 where the second is better
 */
export function compareRuns(first: string, second: string, seed?: number): Comparison[] {
  const [left, right] = [setFolders(first), setFolders(second)];
  const shared = [...left.keys()].filter((name) => right.has(name));
  if (shared.length === 0) {
    throw new Error(`The runs share no set: ${[...left.keys()].join(", ")} and ${[...right.keys()].join(", ")}.`);
  }
  return shared.flatMap((dataset) => {
    const folders = { first: left.get(dataset)!, second: right.get(dataset)! };
    const models = { first: readResult(folders.first).model, second: readResult(folders.second).model };
    const names = models.first === models.second ? folders : models;
    const others = new Map(readUnits(folders.second).map((metric) => [metric.name, metric]));
    return readUnits(folders.first).flatMap((metric): Comparison[] => {
      const other = others.get(metric.name);
      if (!other) return [];
      const values = ({ units }: Metric) => new Map(units.map((unit) => [unit.id, unit.value]));
      return [{ dataset, metric: metric.name, names, ...comparePaired(values(metric), values(other), seed) }];
    });
  });
}
