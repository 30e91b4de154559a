/** @file From a name to a benchmark that can be run: a known set, a file of one's own, or the market. */
import {
  findSet,
  marketTask,
  openVlmTask,
  type PromptStyle,
  type ScoringRules,
  type Split,
  seedRanges,
} from "../tasks/index.ts";
import type { DownloadProgress } from "./data/download.ts";
import { findData } from "./data/lmu-data.ts";
import { type Bench, taskBench, vlmBench } from "./run/bench.ts";

export interface OpenBenchOptions {
  /** Default `recommended`. */
  prompt?: PromptStyle;
  rules?: ScoringRules;
  /** Folder of data files. Default: `LMUData`. */
  dataFolder?: string;
  offline?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: DownloadProgress) => void;
}

export interface OpenedBench {
  bench: Bench;
  dataMd5: string | null;
  close(): void;
}

const MARKET = /^market(?:\/([\w-]+))?$/;

function openMarket(split: string | undefined): OpenedBench {
  if (split !== undefined && !Object.hasOwn(seedRanges, split)) {
    throw new Error(
      `The market has no split ${JSON.stringify(split)}; expected one of ${Object.keys(seedRanges).join(", ")}.`,
    );
  }
  return { bench: taskBench(marketTask({ split: split as Split | undefined })), dataMd5: null, close: () => {} };
}

/**
 * @param name a set's name, `market`, `market/SPLIT`, or the name of a file in the data folder without its extension
 * @throws if there is no such data, or it does not fit the set
 * @example const { bench, close } = await openBench("MMStar");
 */
export async function openBench(name: string, options: OpenBenchOptions = {}): Promise<OpenedBench> {
  const market = MARKET.exec(name);
  if (market) return openMarket(market[1]);
  const { prompt, rules, dataFolder: folder, offline, signal, onProgress } = options;
  const found = await findData(findSet(name) ?? { name }, { folder, offline, signal, onProgress });
  const task = await openVlmTask(name, { path: found.path, prompt, rules });
  const bench = vlmBench(task);
  const warnings = found.asPublished
    ? bench.warnings
    : [`${found.path} is not the published file (MD5 ${found.md5}); used as it is.`, ...bench.warnings];
  return { bench: { ...bench, warnings }, dataMd5: found.md5, close: () => task.close() };
}
