/** @file Checks a body against its schema and says in one sentence, by name, what is wrong with it. */
import type { z } from "zod";
import { ApiError } from "./errors.ts";

/** Parameters of OpenAI's API that this server does not have, or refuses when it is strict, with what to do instead. */
const UNSUPPORTED = new Map(
  Object.entries({
    functions: "This older form is not supported; send tools.",
    function_call: "This older form is not supported; send tool_choice.",
    audio: "FlashVL models neither hear nor speak.",
    prediction: "Predicted outputs are not supported.",
    reasoning_effort: "The model decides how long it reasons.",
    verbosity: "Ask for a short or long answer in the prompt, or set max_completion_tokens.",
    web_search_options: "The server does not search the web.",
    store: "Nothing is stored; leave it out or send false.",
    metadata: "Nothing is stored, so there is nothing to attach metadata to.",
    previous_response_id: "The server keeps no conversations; send the earlier turns in input.",
    conversation: "The server keeps no conversations; send the earlier turns in input.",
    background: "Answers are not computed in the background.",
    service_tier: 'There is one tier; leave it out or send "auto".',
    modalities: 'Answers are text; leave it out or send ["text"].',
  }),
);

/** Members whose value is the client's own JSON, where null means null. */
const OPAQUE = new Set(["schema", "parameters", "input_schema", "arguments", "metadata"]);

/**
 * The body as its schema's type. A member that is null is the same as an absent one; it is removed from `body`.
 * Throws {@link ApiError} 400 that names the first parameter at fault; what the server does not know is refused, never ignored.
 *
 * @example const request = validate(chatRequestSchema, body);
 */
export function validate<Schema extends z.ZodObject>(schema: Schema, body: unknown): z.infer<Schema> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ApiError(400, "The request's body must be a JSON object.", { code: "invalid_request" });
  }
  removeNulls(body);
  for (const key of Object.keys(body)) {
    if (!Object.hasOwn(schema.shape, key)) {
      const advice =
        UNSUPPORTED.get(key) ?? "The server refuses what it does not know, so that nothing is ignored in silence.";
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
  const advice = UNSUPPORTED.get(param);
  throw new ApiError(400, `Invalid value for '${param}': ${message}.${advice ? ` ${advice}` : ""}`, {
    param,
    code: advice || code === "unrecognized_keys" ? "unsupported_parameter" : "invalid_value",
  });
}

/** Removes members that are null from an object and all that it holds; the body's depth has been checked. */
function removeNulls(value: object): void {
  if (ArrayBuffer.isView(value)) return;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === "object" && item !== null) removeNulls(item);
    return;
  }
  for (const [key, member] of Object.entries(value)) {
    if (member === null) delete (value as Record<string, unknown>)[key];
    else if (typeof member === "object" && !OPAQUE.has(key)) removeNulls(member);
  }
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
