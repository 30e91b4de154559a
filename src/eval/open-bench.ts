/** @file From a name to a benchmark that can be run: a known set, a file of one's own, or a task's module. */
import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { FileProgress } from "../hub/index.ts";
import { isTaskReference, loadTask } from "../tasks/index.ts";
import { findSet, openVlmTask, type PromptStyle, type ScoringRules, type VlmTask } from "../vlmeval/index.ts";
import { type FoundData, fileMd5, findData } from "./data/lmu-data.ts";
import { type Bench, taskBench, vlmBench } from "./run/bench.ts";
import { withCode } from "./with-code.ts";

export interface OpenBenchOptions {
  /** Default `recommended`. */
  prompt?: PromptStyle;
  rules?: ScoringRules;
  /** Folder of data files. Default: `LMUData`. */
  dataFolder?: string;
  offline?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: FileProgress) => void;
}

export interface OpenedBench {
  bench: Bench;
  dataMd5: string | null;
  /** The data file or the task's module, where it was named by its path. */
  data?: string;
  /** The same rows asked in another style; a task asks in its own. */
  asked(style: PromptStyle): Bench;
  close(): void;
}

const DATA_FILE = /\.(?:tsv|jsonl|parquet)$/i;

/** A data file named by its path: the known set of its name, or a set of one's own. */
async function fileData(path: string, signal?: AbortSignal): Promise<FoundData> {
  if (!existsSync(path)) throw withCode("not-found", `${path}: no such file; expected a set's data.`);
  const md5 = await fileMd5(path, signal);
  const published = findSet(setNameOf(path))?.md5;
  return { path, md5, asPublished: published === undefined || published === md5 };
}

const setNameOf = (path: string): string => basename(path).replace(DATA_FILE, "");

/**
 * @param name a set's name, the path of a data file (.tsv, .jsonl, .parquet), the name of one in the data folder without its
 * extension, or the path of a task's module (see `loadTask`)
 * @throws if there is no such data, or it does not fit the set
 * @example const { bench, close } = await openBench("MMStar");
 * @example const { bench, close } = await openBench("data/meters.tsv"); // a set named meters
 */
export async function openBench(name: string, options: OpenBenchOptions = {}): Promise<OpenedBench> {
  if (isTaskReference(name)) {
    const bench = taskBench(await loadTask(name));
    // Answers given to another form of the task are not continued.
    const dataMd5 = await fileMd5(name.replace(/#[^#]*$/, ""));
    return { bench, dataMd5, data: resolve(name), asked: () => bench, close: () => {} };
  }
  const { prompt, rules, dataFolder: folder, offline, signal, onProgress } = options;
  const isFile = DATA_FILE.test(name);
  const found = isFile
    ? await fileData(name, signal)
    : await findData(findSet(name) ?? { name }, { folder, offline, signal, onProgress });
  const task = await openVlmTask(isFile ? setNameOf(name) : name, { path: found.path, prompt, rules, signal });
  const unpublished = `${found.path} is not the published file (MD5 ${found.md5}); used as it is.`;
  const benchOf = (one: VlmTask): Bench => {
    const bench = vlmBench(one);
    return found.asPublished ? bench : { ...bench, warnings: [unpublished, ...bench.warnings] };
  };
  const data = isFile ? resolve(name) : undefined;
  const asked = (style: PromptStyle) => benchOf(task.asked(style));
  return { bench: benchOf(task), dataMd5: found.md5, data, asked, close: () => task.close() };
}
