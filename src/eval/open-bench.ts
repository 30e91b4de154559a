/** @file From a name to a benchmark that can be run: a known set, a file of one's own, or the market. */
import {
  findSet,
  type MarketTaskOptions,
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
/** Beside the splits: the test questions without their picture, and pictures of other things than price boards. */
const MARKET_VARIANTS: Readonly<Record<string, MarketTaskOptions>> = {
  blind: { blind: true },
  other: { scene: "other", families: [6, 7] },
};

function openMarket(part: string | undefined): OpenedBench {
  const names = [...Object.keys(seedRanges), ...Object.keys(MARKET_VARIANTS)];
  if (part !== undefined && !names.includes(part))
    throw new Error(`The market has no part ${JSON.stringify(part)}; expected one of ${names.join(", ")}.`);
  const options = (part !== undefined && MARKET_VARIANTS[part]) || { split: part as Split | undefined };
  return { bench: taskBench(marketTask(options)), dataMd5: null, close: () => {} };
}

/**
 * @param name a set's name, `market`, `market/PART`, or the name of a file in the data folder without its extension
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
