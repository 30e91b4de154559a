/** @file The parts of tokenizer.json that this package reads itself, and the check that it is a byte-level BPE tokenizer. */

export interface AddedToken {
  id: number;
  content: string;
  special: boolean;
}

/** A part of which only the type is read here; the library that splits texts reads the rest. */
interface Typed {
  type: string;
  [key: string]: unknown;
}

export interface TokenizerJson {
  added_tokens: AddedToken[];
  normalizer: Typed | null;
  pre_tokenizer: Typed | null;
  decoder: Typed;
  model: { vocab: Record<string, number>; merges: (string | [string, string])[]; [key: string]: unknown };
  [key: string]: unknown;
}

export interface TokenizerConfig {
  eos_token?: string | null;
  pad_token?: string | null;
  [key: string]: unknown;
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The file as an object. What is wrong in it is collected by the caller, so that all of it is told at once. */
function objectOf(file: string, json: unknown): Json {
  if (isObject(json)) return json;
  throw new Error(`${file} cannot be used: (the file): expected an object.`);
}

function refuse(file: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(`${file} cannot be used: ${problems.join("; ")}.`);
}

/** What the package does not do with added tokens, for which other texts would be encoded than the file means. */
const UNSUPPORTED = ["lstrip", "rstrip", "single_word"] as const;

/** Reads one added token; what is wrong goes to `problems`. */
function addedToken(token: unknown, at: number, problems: string[]): AddedToken {
  const { id, content, special, ...rest } = isObject(token) ? token : ({} as Json);
  const place = `added_tokens.${at}`;
  if (!(Number.isSafeInteger(id) && (id as number) >= 0))
    problems.push(`${place}.id: expected a whole number from 0 up`);
  if (typeof content !== "string" || content === "") problems.push(`${place}.content: expected a text`);
  if (special !== undefined && typeof special !== "boolean") problems.push(`${place}.special: expected true or false`);
  for (const key of UNSUPPORTED)
    if ((rest[key] ?? false) !== false) problems.push(`${place}.${key}: ${key} is not supported`);
  return { id: id as number, content: content as string, special: special === true };
}

/** @throws naming every part that is missing or not supported */
export function checkTokenizerJson(json: unknown): TokenizerJson {
  const file = objectOf("tokenizer.json", json);
  const { added_tokens = [], normalizer = null, pre_tokenizer = null, decoder, model } = file;
  const problems: string[] = [];
  const typed = { normalizer, pre_tokenizer };
  for (const [name, part] of Object.entries(typed))
    if (part !== null && !(isObject(part) && typeof part.type === "string"))
      problems.push(`${name}: expected an object with a type`);
  if (!isObject(decoder) || decoder.type !== "ByteLevel")
    problems.push("decoder: only byte-level tokenizers are supported (decoder type ByteLevel)");
  if (!isObject(model)) problems.push("model: expected an object");
  else {
    if (model.type !== undefined && model.type !== "BPE")
      problems.push("model.type: only byte-pair encoding is supported (model type BPE)");
    // Entries are not walked one by one: a vocabulary has 150,000 of them.
    if (!isObject(model.vocab)) problems.push("model.vocab: expected an object from token to id");
    if (!Array.isArray(model.merges)) problems.push("model.merges: expected a list of merges");
  }
  if (!Array.isArray(added_tokens)) problems.push("added_tokens: expected a list");
  const added = Array.isArray(added_tokens) ? added_tokens.map((token, at) => addedToken(token, at, problems)) : [];
  refuse("tokenizer.json", problems);
  return { ...file, ...typed, added_tokens: added } as TokenizerJson;
}

/**
 * The highest id of a vocabulary.
 *
 * @throws naming the first entry whose id is not a whole number from 0 up
 */
export function highestId({ model, added_tokens }: TokenizerJson): number {
  let highest = -1;
  // Values only: 150,000 entries are read at every start.
  for (const id of Object.values(model.vocab)) {
    if (!Number.isSafeInteger(id) || id < 0) {
      const token = Object.keys(model.vocab).find((key) => model.vocab[key] === id);
      throw new Error(`tokenizer.json cannot be used: model.vocab gives ${JSON.stringify(token)} the id ${id}.`);
    }
    if (id > highest) highest = id;
  }
  for (const { id } of added_tokens) highest = Math.max(highest, id);
  return highest;
}

/** @throws naming every part that is of the wrong kind */
export function checkTokenizerConfig(json: unknown): TokenizerConfig {
  const file = objectOf("tokenizer_config.json", json ?? {});
  const problems: string[] = [];
  const read = (key: string): string | null | undefined => {
    const value = file[key];
    const text = isObject(value) ? value.content : value;
    if (text !== undefined && text !== null && typeof text !== "string")
      problems.push(`${key}: expected a text, or an object with its content`);
    if (isObject(value) && typeof text !== "string") problems.push(`${key}.content: expected a text`);
    return text as string | null | undefined;
  };
  const config = { ...file, eos_token: read("eos_token"), pad_token: read("pad_token") };
  refuse("tokenizer_config.json", [...new Set(problems)]);
  return config;
}
