/** @file What a model is, by the content of its files: retrained weights in the same folder are another model. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileHash, writeWhole } from "../../common/node.ts";

/** Beside the weights: all that decides about prompts, pixels and tokens. */
const CONFIGURATION =
  /^(?:config|adapter_config|generation_config|preprocessor_config|processor_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template)\.(?:json|jinja)$/;
const sha256 = (path: string): Promise<string> => fileHash(path, "sha256");

/** The hash of a large file, remembered as long as size, times and place of the file stay. */
async function remembered(path: string, cacheFolder: string): Promise<string> {
  const file = await realpath(path);
  const { size, mtimeNs, ctimeNs, ino } = await stat(file, { bigint: true });
  const state = [file, size, mtimeNs, ctimeNs, ino].join(" ");
  const place = join(cacheFolder, "hashes", `${createHash("sha256").update(file).digest("hex").slice(0, 32)}.json`);
  const known = await readFile(place, "utf8")
    .then((text) => JSON.parse(text) as { state?: unknown; sha256?: unknown } | null)
    .catch(() => null);
  if (known?.state === state && typeof known.sha256 === "string") return known.sha256;
  const found = await sha256(file);
  // A cache that cannot be written costs time at the next run, nothing else.
  await mkdir(dirname(place), { recursive: true })
    .then(() => writeWhole(place, JSON.stringify({ state, sha256: found })))
    .catch(() => {});
  return found;
}

/**
 * A hash over names and contents of a model's weights, adapter and configuration. Of weights that have not changed since the
 * last call only the directory entry is read.
 * @param files the weight files; configuration is what lies beside them
 * @param cacheFolder where hashes of large files are kept
 * @throws Error when a file cannot be read
 * @example await modelHash(model.info.files, compileCacheFolder()) // "9f86d081884c7d65…"
 */
export async function modelHash(files: readonly string[], cacheFolder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const file of [...files].sort()) hash.update(`${basename(file)} ${await remembered(file, cacheFolder)}\n`);
  for (const folder of [...new Set(files.map(dirname))].sort())
    for (const name of (await readdir(folder)).sort())
      if (CONFIGURATION.test(name)) hash.update(`${name} ${await sha256(join(folder, name))}\n`);
  return hash.digest("hex");
}
