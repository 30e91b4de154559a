/** @file Parameters of other servers that cannot change an answer here: accepted, unless the server is strict. */
import { z } from "zod";

const text = z.string().max(4096).optional();

/** What chat completions and responses accept beyond what they use. */
export const noEffect = {
  metadata: z.record(z.string(), z.unknown()).optional().describe("no effect: nothing is stored"),
  store: z.boolean().optional().describe("no effect: nothing is stored"),
  service_tier: text.describe("no effect: there is one tier"),
  user: text.describe("no effect on the answer"),
  safety_identifier: text.describe("no effect on the answer"),
  prompt_cache_key: text.describe("no effect: prompts are matched by their content"),
  prompt_cache_retention: text.describe("no effect: prompts are cached while there is room"),
  cache_salt: text.describe("no effect on the answer"),
  request_id: text.describe("no effect: send the header x-request-id"),
  priority: z.number().optional().describe("no effect: first come, first served"),
};

/** What only chat completions accept beyond what they use. */
export const noEffectInChat = {
  ...noEffect,
  reasoning_effort: text.describe("no effect: the model decides how long it reasons"),
  verbosity: text.describe("no effect: ask for a short or long answer in the prompt"),
  prediction: z.unknown().optional().describe("no effect: an answer is the same with and without a prediction"),
  add_generation_prompt: z.literal(true).optional().describe("no effect: an answer is always asked for"),
  skip_special_tokens: z.literal(true).optional().describe("no effect: control tokens are never shown"),
  spaces_between_special_tokens: z.boolean().optional().describe("no effect: control tokens are never shown"),
  include_stop_str_in_output: z.literal(false).optional().describe("no effect: stop strings are never shown"),
  best_of: z.literal(1).optional(),
  use_beam_search: z.literal(false).optional(),
  min_tokens: z.literal(0).optional(),
  length_penalty: z.literal(1).optional(),
};
