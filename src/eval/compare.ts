/** @file Two scored runs of the same sets, metric by metric, with paired significance. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metric } from "../tasks/index.ts";
import { comparePaired, type Paired } from "./stats/paired.ts";
import { withCode } from "./with-code.ts";

export interface Comparison extends Paired {
  dataset: string;
  metric: string;
}

/** The metrics' units of a run folder. @throws if it holds no scored run */
function unitsOf(folder: string): Metric[] {
  const path = join(folder, "units.json");
  if (!existsSync(path))
    throw new Error(`${folder} holds no scored run; expected the folder of a set with units.json.`);
  return JSON.parse(readFileSync(path, "utf8")) as Metric[];
}

/** The set folders under a model's folder, or the folder itself if it is one set's. */
export function setFolders(folder: string): Map<string, string> {
  if (existsSync(join(folder, "units.json"))) return new Map([[setName(folder), folder]]);
  if (!existsSync(folder)) throw withCode("not-found", `${folder}: no such folder; expected a run.`);
  const inside = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, "units.json")))
    .map((entry) => join(folder, entry.name));
  if (inside.length === 0) throw new Error(`${folder} holds no scored run.`);
  return new Map(inside.map((path) => [setName(path), path]));
}

function setName(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, "result.json"), "utf8")) as { dataset: string }).dataset;
}

/**
 * Compare every metric that both runs have.
 * @param first a set's folder, or a model's folder with several
 * @throws if either holds no scored run, or they share no set
 * @example compareRuns("runs/a", "runs/b")[0]?.p
 */
export function compareRuns(first: string, second: string, seed?: number): Comparison[] {
  const [left, right] = [setFolders(first), setFolders(second)];
  const shared = [...left.keys()].filter((name) => right.has(name));
  if (shared.length === 0) {
    throw new Error(`The runs share no set: ${[...left.keys()].join(", ")} and ${[...right.keys()].join(", ")}.`);
  }
  return shared.flatMap((dataset) => {
    const others = new Map(unitsOf(right.get(dataset)!).map((metric) => [metric.name, metric]));
    return unitsOf(left.get(dataset)!).flatMap((metric): Comparison[] => {
      const other = others.get(metric.name);
      if (!other) return [];
      const values = ({ units }: Metric) => new Map(units.map((unit) => [unit.id, unit.value]));
      return [{ dataset, metric: metric.name, ...comparePaired(values(metric), values(other), seed) }];
    });
  });
}
