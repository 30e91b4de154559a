/** @file What a model's folder may say of it in flashvl.json: how it answers, and what to ask it. */
import { z } from "zod";

const questions = z.array(z.string().min(1)).max(12);

const schema = z.strictObject({
  reasoning: z
    .boolean()
    .optional()
    .describe(
      "whether answers are written as <think>…</think><answer>…</answer>; without it each answer shows that itself",
    ),
  reasonFirst: z
    .boolean()
    .optional()
    .describe("whether the model may write its working before an answer that is held to a schema"),
  describe: z
    .string()
    .min(1)
    .optional()
    .describe("the words by which the model is asked for a description of a picture"),
  reads: z.record(z.string(), z.string()).optional().describe("by language: in a sentence, what the model reads"),
  suggestions: z.record(z.string(), questions).optional().describe("by language: questions that it answers well"),
});

/** What a model's folder says of it. */
export type ModelCard = z.infer<typeof schema>;

/**
 * Reads the content of flashvl.json; a folder without one says nothing.
 * @throws Error naming the key and what was expected
 */
export function readModelCard(json: unknown): ModelCard {
  const parsed = schema.safeParse(json ?? {});
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new Error(`flashvl.json cannot be used: ${path.join(".") || "(the file)"}: ${message}.`);
}
