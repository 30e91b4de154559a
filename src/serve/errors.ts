/** @file The one error class of the server and the one place that renders it, in OpenAI's shape. */
import { InputError } from "../processor/index.ts";

/** OpenAI's error types that the server uses. */
export type ApiErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "not_found_error"
  | "rate_limit_error"
  | "server_error";

/** Body of every error answer. */
export interface ApiErrorBody {
  error: { message: string; type: ApiErrorType; param: string | null; code: string | null };
}

/** What an {@link ApiError} may say besides its status and message. */
export interface ApiErrorDetails {
  /** Path of the parameter at fault, for example `messages.0.content`. */
  param?: string;
  /** A short machine-readable name of the cause. */
  code?: string;
  /** Headers that travel with the answer, for example Retry-After. */
  headers?: Record<string, string>;
  cause?: unknown;
}

/**
 * An error with an HTTP status, rendered once as `{ error: { message, type, param, code } }`.
 *
 * @example throw new ApiError(429, "The queue is full.", { code: "queue_full", headers: { "retry-after": "3" } });
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, details: ApiErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = status;
    this.param = details.param ?? null;
    this.code = details.code ?? null;
    this.headers = details.headers ?? {};
  }

  get type(): ApiErrorType {
    if (this.status === 401 || this.status === 403) return "authentication_error";
    if (this.status === 404) return "not_found_error";
    if (this.status === 429) return "rate_limit_error";
    return this.status >= 500 ? "server_error" : "invalid_request_error";
  }

  /** The answer's body. */
  toBody(): ApiErrorBody {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }
}

/**
 * Any thrown value as an {@link ApiError}; what is not one becomes a 500 that tells the client nothing of the inside.
 *
 * @example const { status } = toApiError(error);
 */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof InputError) {
    const status = error.code === "too-large" ? 413 : 400;
    return new ApiError(status, inHttpWords(error.message), {
      code: `input_${error.code.replace("-", "_")}`,
      cause: error,
    });
  }
  const known = error instanceof Error && "code" in error ? ENGINE_ERRORS.get(String(error.code)) : undefined;
  if (known) {
    const headers = known.status === 400 ? undefined : { "retry-after": "1" };
    return new ApiError(known.status, inHttpWords((error as Error).message), {
      code: known.code,
      headers,
      cause: error,
    });
  }
  return new ApiError(500, "The server failed on this request. Its log has the cause under this request id.", {
    code: "internal_error",
    cause: error,
  });
}

/**
 * The body of an error in the shape of the door that was asked.
 *
 * @example errorBody("/api/chat", error); // { error: "…" }
 */
export function errorBody(path: string, error: ApiError): object {
  if (path.startsWith("/api/")) return { error: error.message };
  if (path.startsWith("/v1/messages")) return { type: "error", error: { type: error.type, message: error.message } };
  return error.toBody();
}

/** What the engine's error codes mean to a client. */
const ENGINE_ERRORS = new Map([
  ["CONTEXT_OVERFLOW", { status: 400, code: "context_length_exceeded" }],
  ["invalid_schema", { status: 400, code: "invalid_schema" }],
  ["QUEUE_FULL", { status: 429, code: "queue_full" }],
  ["DISPOSED", { status: 503, code: "shutting_down" }],
]);

/** What the library's errors advise, and what a client or the server's owner can do instead. */
const HTTP_WORDS = [
  ["lower maxNewTokens", "lower max_tokens"],
  ["open the model with a larger maxContext", "start the server with a larger --max-context"],
  ["raise the option maxBytes", "start the server with a larger --max-picture-bytes"],
  ["raise the option maxPixels", "start the server with a larger --max-pixels"],
  ["addresses unless allowPrivateAddresses is set", "addresses"],
] as const;

function inHttpWords(message: string): string {
  return HTTP_WORDS.reduce((text, [library, http]) => text.replace(library, http), message);
}
