/** @file Reads the older files of a Qwen2.5 tokenizer, vocab.json and merges.txt, where a folder has no tokenizer.json. */
import { z } from "zod";
import { addedTokenJson, qwenTokenizerJson } from "./qwen-tokenizer-json.ts";
import { Tokenizer } from "./tokenizer.ts";

export interface VocabFiles {
  /** Parsed vocab.json: id of each entry. */
  vocab: unknown;
  /** Text of merges.txt: a pair per line; a first line that starts with `#version` is no pair. */
  merges: string;
  /** Parsed added_tokens.json: id of each added token. */
  addedTokens?: unknown;
  /** Parsed tokenizer_config.json; its `added_tokens_decoder` says which added tokens are special. */
  tokenizerConfig?: unknown;
}

const id = z.number().int().nonnegative();
const addedSchema = z.record(z.string().min(1), id).default({});
const configSchema = z
  .object({
    added_tokens_decoder: z.record(z.string(), z.object({ content: z.string(), special: z.boolean().default(false) })),
  })
  .partial()
  .nullish();

function parse<S extends z.ZodType>(file: string, schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "(the file)"}: ${issue.message}`);
  throw new Error(`${file} cannot be used: ${problems.join("; ")}.`);
}

/** The pairs of merges.txt. */
function parseMerges(text: string): [string, string][] {
  const merges: [string, string][] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || (index === 0 && line.startsWith("#version"))) continue;
    const parts = line.split(" ");
    if (parts.length !== 2) {
      throw new Error(`merges.txt cannot be used: line ${index + 1} is ${JSON.stringify(line)}; expected two entries.`);
    }
    merges.push(parts as [string, string]);
  }
  return merges;
}

/**
 * Build a Qwen2.5 tokenizer from its older files.
 *
 * @throws naming the file and what is wrong in it
 * @example
 * const tokenizer = tokenizerFromVocab({ vocab: await readJson("vocab.json"), merges: await readText("merges.txt") });
 */
export function tokenizerFromVocab({ vocab, merges, addedTokens, tokenizerConfig }: VocabFiles): Tokenizer {
  const config = parse("tokenizer_config.json", configSchema, tokenizerConfig);
  const added = new Map<number, { content: string; special: boolean }>();
  for (const [content, tokenId] of Object.entries(parse("added_tokens.json", addedSchema, addedTokens))) {
    // Without tokenizer_config.json the spelling decides: <|…|> is Qwen's way of writing control tokens.
    added.set(tokenId, { content, special: /^<\|.*\|>$/.test(content) });
  }
  for (const [key, token] of Object.entries(config?.added_tokens_decoder ?? {})) {
    added.set(parse("tokenizer_config.json", id, Number(key)), token);
  }
  const tokens = Array.from(added, ([tokenId, { content, special }]) => addedTokenJson(tokenId, content, special));
  const json = qwenTokenizerJson(vocab as Record<string, number>, parseMerges(merges), tokens);
  return Tokenizer.fromJSON(json, tokenizerConfig); // which checks the vocabulary
}
