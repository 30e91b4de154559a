/** @file Which files a recipe's data names: a file, a pattern, or a folder as Hugging Face's `datasets` lays them out. */

import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { TrainingInputError } from "../../input-error.ts";

const DATA = /\.(jsonl|ndjson|json|parquet|csv|tsv)$/i;
/** The table beside the pictures of an image folder. */
const METADATA = /^metadata\.(jsonl|csv|parquet)$/i;
/** JSON files that describe a data set instead of holding it. */
const DESCRIPTION = /^(dataset_infos?|dataset_dict|state|package(-lock)?|tsconfig)\.json$/i;
const TRAIN = /(^|[/._-])train([/._-]|$)/i;
const OTHER_SPLIT = /(^|[/._-])(test|val|valid|validation|dev|eval)([/._-]|$)/i;

/** A pattern as a regular expression: `*` stands for anything but a separator, `**` for folders too, `?` for one character. */
function patternOf(glob: string): RegExp {
  const source = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*\*\/|\*\*|\*|\?/g, (mark) => {
    if (mark === "**/") return "(?:.*/)?";
    if (mark === "**") return ".*";
    return mark === "*" ? "[^/]*" : "[^/]";
  });
  return new RegExp(`^${source}$`);
}

/** Files below a folder, by paths with `/` relative to it, in order of their names. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

async function matching(path: string): Promise<string[]> {
  // Below the last folder whose name is no pattern.
  let folder = path;
  while (/[*?]/.test(folder)) folder = dirname(folder);
  const pattern = patternOf(relative(folder, path).split(sep).join("/"));
  const found = (await filesBelow(folder).catch(() => [] as string[])).filter((name) => pattern.test(name));
  if (found.length === 0)
    throw new TrainingInputError(`No file is named ${path}. Is the pattern relative to the recipe?`);
  return found.map((name) => join(folder, name));
}

async function inFolder(folder: string): Promise<string[]> {
  const all = await filesBelow(folder);
  const metadata = all.filter((name) => METADATA.test(basename(name)));
  const candidates =
    metadata.length > 0 ? metadata : all.filter((name) => DATA.test(name) && !DESCRIPTION.test(basename(name)));
  const train = candidates.filter((name) => TRAIN.test(name));
  const files = train.length > 0 ? train : candidates.filter((name) => !OTHER_SPLIT.test(name));
  if (files.length > 0) return files.map((name) => join(folder, name));
  const arrow = all.some((name) => name.endsWith(".arrow"));
  throw new TrainingInputError(
    arrow
      ? `${folder} holds Arrow files, as datasets.save_to_disk writes them, which are not read. Write Parquet instead: dataset.to_parquet("train.parquet").`
      : `${folder} holds no data files: expected .jsonl, .json, .parquet, .csv or .tsv, or metadata.csv beside pictures.`,
  );
}

/**
 * The data files that a path names, absolute. A pattern (`data/train-*.parquet`) names those that fit it; a folder its
 * metadata.csv or metadata.jsonl, else its data files: where some belong to a split "train", only those, and never those of
 * a split for validation or test.
 * @throws TrainingInputError when there are none
 * @example await findFiles("sets/meters") // ["/…/sets/meters/data/train-00000-of-00002.parquet", …]
 */
export async function findFiles(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return inFolder(resolve(path));
  if (!found && /[*?]/.test(path)) return matching(resolve(path));
  return [resolve(path)];
}
