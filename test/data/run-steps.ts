/** @file Runs steps over the files of a folder: for tests of pipelines. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { type RunPipelineOptions, readPipeline, runPipeline } from "../../src/data/index.ts";

let runs = 0;

/** @param more keys of the pipeline beside its steps */
export async function runSteps(
  folder: string,
  steps: readonly object[],
  more: object = {},
  options: Partial<RunPipelineOptions> = {},
) {
  const number = runs++;
  const out = options.out ?? join(folder, `out${number}`);
  const path = join(folder, `pipeline${number}.yaml`);
  await writeFile(path, stringify({ ...more, steps }));
  const printed: string[] = [];
  const results = await runPipeline(await readPipeline(path), {
    threads: 2,
    memory: "500MB",
    print: (line) => printed.push(line),
    ...options,
    out,
  });
  const rows = async (file: string): Promise<Record<string, unknown>[]> =>
    (await readFile(join(out, file), "utf8"))
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  return { out, results, printed, rows };
}
