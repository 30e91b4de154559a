/** @file One report over all sets of a model: results.json and report.md in the model's folder. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { removeRemains, writeWhole } from "../../common/node.ts";
import { withCode } from "../with-code.ts";
import { markdownReport } from "./markdown.ts";
import { RESULT, readResult, type SetResult } from "./result.ts";

/** The results of every scored set in a model's folder, by the sets' names. */
export function collectResults(modelFolder: string): SetResult[] {
  if (!existsSync(modelFolder)) throw withCode("not-found", `${modelFolder}: no such folder; expected a model's runs.`);
  return readdirSync(modelFolder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(modelFolder, entry.name))
    .filter((folder) => existsSync(join(folder, RESULT)))
    .map(readResult)
    .sort((a, b) => (a.dataset < b.dataset ? -1 : 1));
}

/**
 * @returns the Markdown text
 * @throws if the folder holds no scored set
 */
export async function writeModelReport(modelFolder: string): Promise<string> {
  const results = collectResults(modelFolder);
  if (results.length === 0) throw new Error(`${modelFolder} holds no scored set; run the evaluation to its end first.`);
  const text = markdownReport(results[0]!.model, results);
  for (const name of ["results.json", "report.md"]) await removeRemains(join(modelFolder, name));
  await writeWhole(join(modelFolder, "results.json"), `${JSON.stringify(results, null, 2)}\n`);
  await writeWhole(join(modelFolder, "report.md"), text);
  return text;
}
