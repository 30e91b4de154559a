/** @file The parts of tokenizer.json that this package reads itself, and the check that it is a byte-level BPE tokenizer. */
import { z } from "zod";

const addedToken = z.object({
  id: z.number().int().nonnegative(),
  content: z.string().min(1),
  special: z.boolean().default(false),
  lstrip: z.literal(false, { error: "lstrip is not supported" }).nullish(),
  rstrip: z.literal(false, { error: "rstrip is not supported" }).nullish(),
  single_word: z.literal(false, { error: "single_word is not supported" }).nullish(),
});

const schema = z.looseObject({
  added_tokens: z.array(addedToken).default([]),
  normalizer: z.looseObject({ type: z.string() }).nullable().default(null),
  pre_tokenizer: z.looseObject({ type: z.string() }).nullable().default(null),
  decoder: z.looseObject({
    type: z.literal("ByteLevel", { error: "only byte-level tokenizers are supported (decoder type ByteLevel)" }),
  }),
  model: z.looseObject({
    type: z.literal("BPE", { error: "only byte-pair encoding is supported (model type BPE)" }).optional(),
    // Entries are not walked one by one: a vocabulary has 150,000 of them.
    vocab: z.custom<Record<string, number>>(
      (value) => typeof value === "object" && value !== null && !Array.isArray(value),
      "expected an object from token to id",
    ),
    merges: z.custom<(string | [string, string])[]>(Array.isArray, "expected a list of merges"),
  }),
});

const configSchema = z.looseObject({
  eos_token: z.union([z.string(), z.object({ content: z.string() }).transform((token) => token.content)]).nullish(),
  pad_token: z.union([z.string(), z.object({ content: z.string() }).transform((token) => token.content)]).nullish(),
});

export type AddedToken = z.output<typeof addedToken>;
export type TokenizerJson = z.output<typeof schema>;
export type TokenizerConfig = z.output<typeof configSchema>;

function check<S extends z.ZodType>(file: string, type: S, json: unknown): z.output<S> {
  const parsed = type.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "(the file)"}: ${issue.message}`);
  throw new Error(`${file} cannot be used: ${problems.join("; ")}.`);
}

/** @throws naming every part that is missing or not supported */
export function checkTokenizerJson(json: unknown): TokenizerJson {
  return check("tokenizer.json", schema, json);
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
  return check("tokenizer_config.json", configSchema, json ?? {});
}
