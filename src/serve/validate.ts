/** @file Checks a body against its schema and says in one sentence, by name, what is wrong with it. */
import type { z } from "zod";
import { ApiError } from "./errors.ts";

/** OpenAI parameters that this server does not have, with what to do instead. */
const UNSUPPORTED: Record<string, string> = {
  tools: "FlashVL models do not call tools; use response_format for structured answers.",
  tool_choice: "FlashVL models do not call tools; use response_format for structured answers.",
  parallel_tool_calls: "FlashVL models do not call tools.",
  functions: "FlashVL models do not call functions; use response_format for structured answers.",
  function_call: "FlashVL models do not call functions; use response_format for structured answers.",
  audio: "FlashVL models neither hear nor speak.",
  prediction: "Predicted outputs are not supported.",
  reasoning: "FlashVL models have no separate reasoning.",
  reasoning_effort: "FlashVL models have no separate reasoning.",
  verbosity: "Ask for a short or long answer in the prompt, or set max_completion_tokens.",
  web_search_options: "The server does not search the web.",
  store: "Nothing is stored; leave it out or send false.",
  metadata: "Nothing is stored, so there is nothing to attach metadata to.",
  previous_response_id: "The server keeps no conversations; send the earlier turns in input.",
  conversation: "The server keeps no conversations; send the earlier turns in input.",
  background: "Answers are not computed in the background.",
  service_tier: 'There is one tier; leave it out or send "auto".',
  modalities: 'Answers are text; leave it out or send ["text"].',
};

/**
 * The body as its schema's type.
 * Throws {@link ApiError} 400 that names the first parameter at fault; what the server does not know is refused, never ignored.
 *
 * @example const request = validate(chatRequestSchema, body);
 */
export function validate<Schema extends z.ZodObject>(schema: Schema, body: unknown): z.infer<Schema> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ApiError(400, "The request's body must be a JSON object.", { code: "invalid_request" });
  }
  for (const key of Object.keys(body)) {
    if (!Object.hasOwn(schema.shape, key)) {
      const advice =
        UNSUPPORTED[key] ?? "The server refuses what it does not know, so that nothing is ignored in silence.";
      throw new ApiError(400, `Unsupported parameter: '${key.slice(0, 64)}'. ${advice}`, {
        param: key.slice(0, 64),
        code: "unsupported_parameter",
      });
    }
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const { path, message, code } = deepest(parsed.error.issues[0]!);
  const param = path.join(".");
  const advice = UNSUPPORTED[param];
  throw new ApiError(400, `Invalid value for '${param}': ${message}.${advice ? ` ${advice}` : ""}`, {
    param,
    code: advice || code === "unrecognized_keys" ? "unsupported_parameter" : "invalid_value",
  });
}

interface Issue {
  code?: string;
  path: PropertyKey[];
  message: string;
}

/** Of a union's failed branches, the issue that got furthest: it belongs to the branch the client meant. */
function deepest(issue: z.core.$ZodIssue): Issue {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return { ...issue, path: [...issue.path] };
  const nested = issue.errors
    .flatMap((branch) => branch.slice(0, 1))
    .map((inner) => deepest({ ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue));
  return nested.reduce((best, next) => (next.path.length > best.path.length ? next : best));
}
